"""One module at a time is quantized, and only that one."""

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.quantization import quantize_student
from ei_bert_tf.compression.sensitivity import (
    MODULES,
    module_of,
    module_sensitivity,
)
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student

CONFIG = StudentConfig(
    vocabulary_size=13,
    max_tokens=7,
    layers=2,
    hidden_size=6,
    embedding_size=3,
    heads=2,
    head_size=5,
    feed_forward_size=9,
    task_size=4,
    outputs=3,
    pair=True,
)


@pytest.fixture(scope="module")
def student():
    tf.keras.utils.set_random_seed(3)
    student = build_student(CONFIG, folded=True)
    generator = np.random.default_rng(5)
    for weight in student.trainable_weights:
        weight.assign(generator.normal(size=weight.shape) * 0.5)
    return student


@pytest.fixture(scope="module")
def ranges(student):
    return {layer.name: (-4.0, 4.0) for layer in student.layers}


def logits(model):
    ids = tf.constant([[1, 4, 9, 2, 0, 0, 0]])
    mask = tf.constant([[1, 1, 1, 1, 0, 0, 0]])
    return model([ids, mask, ids // 5], training=False)["logits"].numpy()


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        ("embedding", "embedding"),
        ("segments_add", "embedding"),
        ("mask_bias", "embedding"),
        ("embedding_norm_scale", "norms"),
        ("block_1_feed_forward_norm_mean", "norms"),
        ("block_1_feed_forward_output", "feed-forward"),
        ("block_0_attention_add", "attention"),
        ("block_0_scores", "attention"),
        ("pooler_tanh", "task layers"),
        ("classifier", "task layers"),
    ],
)
def test_every_layer_has_a_module(layer, module):
    assert module_of(layer) == module


def test_what_is_not_named_stays_as_it_is(student):
    some = quantize_student(student, {"pooler"})
    names = {layer.name for layer in some.layers}
    assert "quant_pooler" in names and "classifier" in names
    # A copy that is quantized behind the logits alone: they are those of the student.
    last = quantize_student(student, {"features"})
    assert np.array_equal(logits(last), logits(student))


def test_modules_alone_and_together(student, ranges):
    found = module_sensitivity(student, ranges, logits)
    assert [row["module"] for row in found] == ["none", *MODULES]
    exact = found[0]["alone"]
    assert np.array_equal(exact, logits(student))
    assert np.array_equal(found[1]["alone"], found[1]["together"])
    for row in found[1:]:
        assert 0 < np.abs(row["alone"] - exact).max() < 1
    # Alone they differ from each other, and the last together is all of it.
    alone = [row["alone"].tobytes() for row in found[1:]]
    assert len(set(alone)) == len(MODULES)
    everything = quantize_student(student)
    for layer in everything.layers:
        for weight in layer.weights:
            if "output_low" in weight.name:
                weight.assign(-4.0)
            if "output_high" in weight.name:
                weight.assign(4.0)
    assert np.array_equal(found[-1]["together"], logits(everything))
