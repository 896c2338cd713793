"""Which records say what training under quantization is worth."""

import pytest

from benchmarks.quantization_cost import against_training


@pytest.mark.parametrize(
    ("recipe", "before", "after", "against"),
    [
        ({"quantization": "qat"}, 0.75, 0.5, True),
        ({"quantization": "qat"}, 0.75, 0.75, False),
        ({}, 0.5, 0.75, False),
        ({"quantization": "better"}, 0.75, 0.5, None),
        ({"quantization": "ptq"}, 0.75, 0.5, None),
    ],
)
def test_whether_held_out_train_was_against_the_training(
    recipe, before, after, against
):
    held_out = {"student_before_qat": before, "student_float": after}
    record = {"recipe": recipe, "held_out": held_out}
    assert against_training(record) is against
    assert against_training({"held_out": {"student_float": after}}) is None
