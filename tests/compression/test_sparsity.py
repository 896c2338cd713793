"""TFMOT's magnitude pruning of the student."""

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.compression.sparsity import (
    prunable_student,
    pruning_steps,
    take_pruned,
)
from ei_bert_tf.conversion.zeros import zeros_of
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from tests.tiny_models import tiny_tflite

_CONFIG = StudentConfig(37, 13, 2, 12, 6, 3, 5, 14, 20, 3)
_STEPS = 40


@pytest.fixture(scope="module")
def pruned():
    """The student before, and after some steps that move every weight."""
    student = build_student(_CONFIG, folded=True)
    before = {layer.name: layer.get_weights() for layer in student.layers}
    prunable = prunable_student(student, 0.6, _STEPS)
    counters = pruning_steps(prunable)
    ids = np.arange(26).reshape(2, 13)
    inputs = student_inputs(_CONFIG, {"ids": ids, "mask": np.ones_like(ids)})

    @tf.function(autograph=False)
    def step(number):
        for counter in counters:
            counter.assign(number)
        prunable(inputs, training=True)

    for number in range(_STEPS):
        step(tf.constant(number, tf.int64))
    for weight in prunable.trainable_weights:
        weight.assign_add(tf.fill(weight.shape, 1e-4))
    after = build_student(_CONFIG, folded=True)
    take_pruned(prunable, after)
    return before, after


def test_kernels_and_tables_have_the_zeros_asked_for(pruned):
    _, after = pruned
    for layer in after.layers:
        if type(layer).__name__ not in ("Dense", "JoinedDense", "Table"):
            continue
        weight = layer.get_weights()[0]
        share = np.mean(weight == 0)
        if layer.name == "classifier":
            assert share == 0
        else:
            assert share == pytest.approx(0.6, abs=0.5 / weight.shape[-1])


def test_the_smallest_go_and_the_others_keep_their_update(pruned):
    before, after = pruned
    old = before["block_0_feed_forward"][0]
    new = after.get_layer("block_0_feed_forward").get_weights()[0]
    gone = new == 0
    assert np.abs(old[gone]).max() <= np.abs(old[~gone]).min()
    np.testing.assert_allclose(new[~gone], old[~gone] + 1e-4, atol=1e-6)


def test_zeros_of_a_file_are_counted():
    found = zeros_of(tiny_tflite())
    assert 0 <= found["zero_share"] < 0.2
    assert 0 < found["deflated_bytes"] < len(tiny_tflite())
