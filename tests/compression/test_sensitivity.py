"""One module at a time is quantized, and only that one."""

import dataclasses

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.quantization import quantize_student
from ei_bert_tf.compression.sensitivity import (
    MODULES,
    module_of,
    module_sensitivity,
    quantized_logits,
)
from ei_bert_tf.recipe import ATTENTION_FORMS, StudentConfig
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


@pytest.fixture(params=ATTENTION_FORMS)
def student(request):
    tf.keras.utils.set_random_seed(3)
    config = dataclasses.replace(CONFIG, attention_form=request.param)
    student = build_student(config, folded=True)
    generator = np.random.default_rng(5)
    for weight in student.trainable_weights:
        weight.assign(generator.normal(size=weight.shape) * 0.5)
    return student


@pytest.fixture
def ranges(student):
    return {layer.name: (-4.0, 4.0) for layer in student.layers}


IDS = tf.constant([[1, 4, 9, 2, 0, 0, 0]])
INPUTS = {
    "ids": IDS,
    "mask": tf.constant([[1, 1, 1, 1, 0, 0, 0]]),
    "segment_ids": IDS // 5,
}


def logits(model):
    return model(list(INPUTS.values()), training=False)["logits"].numpy()


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


@pytest.mark.parametrize("per_channel", [False, True])
def test_they_are_those_of_the_training_s_quantizers(student, ranges, per_channel):
    everything = quantize_student(student, per_channel=per_channel)
    # A training step gives the weights their ranges, and outputs others than these.
    everything(list(INPUTS.values()), training=True)
    for layer in everything.layers:
        for weight in layer.weights:
            if "output_low" in weight.name:
                weight.assign(-4.0)
            if "output_high" in weight.name:
                weight.assign(4.0)
    names = {layer.name for layer in student.layers}
    limits = ranges | {"pooler_tanh": (-1.0, 127 / 128)}
    for layer in student.layers:
        if type(layer).__name__ == "Softmax":
            limits[layer.name] = (0.0, 255 / 256)
    found = quantized_logits(student, names, limits, INPUTS, per_channel).numpy()
    assert found == pytest.approx(logits(everything), abs=1e-5)
    assert np.abs(found - logits(student)).max() > 1e-3


def test_modules_alone_and_together(student, ranges):
    before = [weight.numpy() for weight in student.weights]
    found = module_sensitivity(student, ranges, INPUTS, lambda tensor: tensor.numpy())
    assert [row["module"] for row in found] == ["none", *MODULES]
    exact = found[0]["alone"]
    assert exact == pytest.approx(logits(student), abs=1e-6)
    assert np.array_equal(found[1]["alone"], found[1]["together"])
    for row in found[1:]:
        assert 0 < np.abs(row["alone"] - exact).max() < 1
    # Alone they differ from each other, and the last together is all of it.
    alone = [row["alone"].tobytes() for row in found[1:]]
    assert len(set(alone)) == len(MODULES)
    names = {layer.name for layer in student.layers}
    everything = quantized_logits(student, names, ranges, INPUTS).numpy()
    assert np.array_equal(found[-1]["together"], everything)
    for weight, value in zip(student.weights, before, strict=True):
        assert np.array_equal(weight.numpy(), value)
