"""Sums by FULLY_CONNECTED are the means that they replace, to the nearest step."""

import numpy as np
import pytest
from tflite_micro import runtime as tflm

from ei_bert_tf.compat import tf
from ei_bert_tf.conversion.editing import GraphEditor
from ei_bert_tf.conversion.means import rewrite_means
from tests.tiny_models import int8_tflite, operators

TOKENS = 5


def means(width, axis=-1, keepdims=True):
    @tf.function(input_signature=[tf.TensorSpec((1, TOKENS, width))], autograph=False)
    def mean(x):
        return tf.reduce_mean(x, axis=axis, keepdims=keepdims)

    def samples():
        generator = np.random.default_rng(0)
        for _ in range(20):
            yield [generator.uniform(-1, 3, (1, TOKENS, width)).astype(np.float32)]

    return int8_tflite(mean, samples)


def rewritten(model):
    editor = GraphEditor(model)
    rewrite_means(editor)
    return editor.finished()


def result(model, values):
    interpreter = tflm.Interpreter.from_bytes(model, arena_size=1 << 16)
    interpreter.set_input(values, 0)
    interpreter.invoke()
    return np.array(interpreter.get_output(0))


@pytest.mark.parametrize("width", [12, 13, 16])
def test_means_are_rounded_to_the_nearest_step(width):
    model = means(width)
    assert operators(model) == ["MEAN"]
    ours = rewritten(model)
    assert operators(ours) == ["FULLY_CONNECTED"]
    editor = GraphEditor(model)
    scale, zero_point = editor.range(int(editor.graph.inputs[0]))
    step, zero = editor.range(int(editor.graph.outputs[0]))
    generator = np.random.default_rng(1)
    for _ in range(100):
        values = generator.integers(-128, 128, (1, TOKENS, width), np.int8)
        exact = (values - float(zero_point)).mean(axis=-1, keepdims=True) * scale
        exact = np.clip(exact / step + zero, -128, 127)
        assert np.abs(result(ours, values) - exact).max() < 0.501


@pytest.mark.parametrize("choices", [{"axis": 1}, {"keepdims": False}])
def test_other_means_stay(choices):
    assert "MEAN" in operators(rewritten(means(3, **choices)))
