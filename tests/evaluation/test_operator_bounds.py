"""Each operator alone: engines part by one step at most, and only in known ones."""

import numpy as np
import pytest

from ei_bert_tf.compression.quantization import exportable_student
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.evaluation.operator_bounds import ENGINES, operator_bounds
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.encoder import build_student, student_inputs
from tests.tiny_models import tiny_encoded, tiny_tflite

TOKENS, ROWS = 13, 24
# Whoever rounds twice where another rounds once: docs/parity.md.
_PARTS = {
    "litert_reference": {"FULLY_CONNECTED"},
    "litert": {"FULLY_CONNECTED", "MEAN", "MUL", "ADD", "SUB", "SOFTMAX"},
}


@pytest.fixture(scope="module")
def bounds():
    """Of a student of random weights that has every operator."""
    config = StudentConfig(37, TOKENS, 2, 12, 6, 2, 5, 14, 20, 3)
    student = build_student(config, fixed_tokens=True, folded=True)
    generator = np.random.default_rng(0)
    for weight in student.trainable_weights:
        weight.assign(0.3 * generator.normal(size=weight.shape))
    quantized = exportable_student(student)
    encoded = tiny_encoded(ROWS, tokens=TOKENS)
    batch = {"ids": encoded.ids, "mask": encoded.mask}
    for row in range(ROWS):
        inputs = {name: values[row : row + 1] for name, values in batch.items()}
        quantized(student_inputs(config, inputs), training=True)
    return {x["op"]: x for x in operator_bounds(convert(quantized, config), encoded)}


def test_every_kind_of_operator_is_compared(bounds):
    assert {"FULLY_CONNECTED", "MUL", "RSQRT", "SOFTMAX", "TANH"} <= set(bounds)
    # The embedding's projection, six a block and two a head, two means a norm, pooler
    # and classifier.
    assert bounds["FULLY_CONNECTED"]["operators"] == 1 + 2 * (6 + 2 * 2) + 2 * 5 + 2
    assert bounds["TANH"]["elements"] == ROWS * 20


@pytest.mark.parametrize("engine", ENGINES)
def test_no_operator_parts_by_more_than_a_step(bounds, engine):
    assert max(found[engine]["max_steps"] for found in bounds.values()) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_only_known_operators_part(bounds, engine):
    parted = {op for op, found in bounds.items() if found[engine]["max_steps"]}
    assert parted <= _PARTS[engine]
    assert "FULLY_CONNECTED" in parted


def test_no_row_is_refused():
    with pytest.raises(ValueError, match="no row to compare"):
        operator_bounds(tiny_tflite(), tiny_encoded(2).take([]))
