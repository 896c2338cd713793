"""Predicted instructions beside those that an emulated core counted."""

import json

import pytest

from benchmarks._operator_records import LEFT_OUT, SHAPES, operator_of, records
from ei_bert_tf.evaluation.device_cost import (
    COSTS as SHIPPED,
)
from ei_bert_tf.evaluation.device_cost import (
    Operator,
    cost_kind,
    device_cost,
    operator_instructions,
)
from ei_bert_tf.recipe import StudentConfig
from tests.tiny_models import tiny_tflite

RECORDS = records()
COSTS = {"FULLY_CONNECTED": [1.0] * 8, "ADD": [10.0, 2.0]}


def test_every_shape_is_recorded():
    assert sorted(RECORDS) == sorted(SHAPES)
    for name, record in RECORDS.items():
        assert StudentConfig(**record["student"]) == SHAPES[name]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_shapes_left_out_of_the_fit_are_within_2_percent(name):
    costs = json.loads(SHIPPED.read_text("utf-8"))["cortex-m7"]
    record = RECORDS[name]
    operators = [operator_of(row) for row in record["operators"]]
    predicted = sum(operator_instructions(x, costs) for x in operators)
    assert predicted == pytest.approx(record["instructions"], rel=0.02)


def test_kernels_are_told_apart():
    fast = Operator("FULLY_CONNECTED", [[1, 2, 8], [3, 8]], [1, 2, 3])
    assert cost_kind(fast) == "FULLY_CONNECTED"
    for inner, output in ((6, [1, 2, 3]), (8, [2, 3])):
        slow = Operator("FULLY_CONNECTED", [[1, 2, inner], [3, inner]], output)
        assert cost_kind(slow) == "FULLY_CONNECTED by vectors"
    assert cost_kind(Operator("ADD", [[1, 3], [3]], [1, 3])) == "ADD with broadcasting"


def test_costs_are_weighted_features():
    assert operator_instructions(Operator("ADD", [[2, 3], [2, 3]], [2, 3]), COSTS) == 22
    with pytest.raises(ValueError, match="nothing is known of TANH"):
        operator_instructions(Operator("TANH", [[2]], [2]), COSTS)


def test_what_nothing_is_known_of_is_named_and_left_out(monkeypatch, tmp_path):
    whole = device_cost(tiny_tflite())
    known = json.loads(SHIPPED.read_text("utf-8"))
    known["cortex-m7"] = {
        kind: cost for kind, cost in known["cortex-m7"].items() if kind != "GATHER"
    }
    (tmp_path / "costs.json").write_text(json.dumps(known))
    monkeypatch.setattr(
        "ei_bert_tf.evaluation.device_cost.COSTS", tmp_path / "costs.json"
    )
    rest = device_cost(tiny_tflite())
    assert (whole["uncounted"], rest["uncounted"]) == ([], ["GATHER"])
    assert 0 < rest["instructions"] < whole["instructions"]


def test_the_dearest_operator_comes_first():
    found = device_cost(tiny_tflite())
    counted = [row["instructions"] for row in found["operators"]]
    assert counted == sorted(counted, reverse=True)
    assert sum(counted) == pytest.approx(found["instructions"], abs=len(counted))
    assert sum(row["share"] for row in found["operators"]) == pytest.approx(1.0)
