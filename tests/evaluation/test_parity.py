"""Agreement of decisions, and the comparison op by op."""

import numpy as np
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.parity import agreement, operator_differences
from tests.tiny_models import TOKENS, tiny_encoded, tiny_tflite


def test_agreement_is_of_the_argmax():
    a = np.array([[1, 2], [5, 3], [0, 9], [7, 1]], np.int8)
    b = np.array([[-4, 0], [3, 5], [8, 9], [2, 1]], np.int8)
    assert agreement(a, b) == 0.75


def test_agreement_of_one_output_is_of_the_value():
    a = np.array([[1], [2], [3], [4]], np.int8)
    b = np.array([[1], [2], [-3], [-4]], np.int8)
    assert agreement(a, b) == 0.5


@pytest.mark.parametrize(("a", "b"), [((2, 3), (2, 2)), ((0, 2), (0, 2)), ((2,), (2,))])
def test_shapes_that_do_not_fit_are_refused(a, b):
    with pytest.raises(ValueError, match="of one shape"):
        agreement(np.zeros(a), np.zeros(b))


@pytest.mark.parametrize("pair", [False, True])
def test_every_op_is_compared(pair):
    rows = 20
    found = operator_differences(tiny_tflite(pair=pair), tiny_encoded(rows))
    by_name = {entry["op"]: entry for entry in found}
    assert list(by_name) == ["ADD", "FULLY_CONNECTED", "GATHER", "RESHAPE"]
    inputs = 3 if pair else 2
    hidden = rows * TOKENS * 6
    assert by_name["GATHER"] == {
        "op": "GATHER",
        "tensors": inputs,
        "elements": inputs * hidden,
        "different_share": 0.0,
        "max_steps": 0,
    }
    assert by_name["ADD"]["tensors"] == inputs - 1
    assert by_name["ADD"]["elements"] == (inputs - 1) * hidden
    assert by_name["RESHAPE"]["elements"] == hidden
    assert by_name["FULLY_CONNECTED"]["elements"] == rows * 2
    for name in ("ADD", "RESHAPE"):
        assert by_name[name]["different_share"] == 0.0
    assert by_name["FULLY_CONNECTED"]["max_steps"] <= 1


def test_no_row_is_refused():
    with pytest.raises(ValueError, match="no row to compare"):
        operator_differences(tiny_tflite(), tiny_encoded(2).take([]))


def test_rows_of_another_length_are_refused():
    with pytest.raises(InputError, match="rows of 8 tokens"):
        operator_differences(tiny_tflite(), tiny_encoded(2, tokens=8))
