"""Each operator alone: all are timed, and their sum is about the whole."""

import collections

import pytest

from ei_bert_tf.evaluation.operator_latency import ENGINES, operator_latency
from tests.tiny_models import operators, tiny_encoded, tiny_tflite

# So much work that a call of an engine is little beside it.
TOKENS, CLASSES = 512, 2048


@pytest.fixture(scope="module")
def model():
    return tiny_tflite(outputs=CLASSES, tokens=TOKENS)


@pytest.fixture(scope="module")
def found(model):
    return operator_latency(model, tiny_encoded(1, tokens=TOKENS), rounds=21)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_operator_is_timed(found, model, engine):
    rows = found[engine]["operators"]
    assert {row["op"]: row["count"] for row in rows} == collections.Counter(
        operators(model)
    )
    assert sum(row["share"] for row in rows) == pytest.approx(1.0)
    assert [row["ms"] for row in rows] == sorted(
        (row["ms"] for row in rows), reverse=True
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_the_product_takes_most_and_the_sum_is_about_the_whole(found, engine):
    of_engine = found[engine]
    assert of_engine["operators"][0]["op"] == "FULLY_CONNECTED"
    assert of_engine["operators"][0]["share"] > 0.5
    assert 0.5 < of_engine["sum_ms"] / of_engine["whole_ms"] < 1.5


@pytest.mark.parametrize(("rows", "rounds"), [(2, 1), (0, 1), (1, 0)])
def test_one_row_and_a_round_are_needed(rows, rounds):
    encoded = tiny_encoded(3).take(list(range(rows)))
    with pytest.raises(ValueError, match=f"{rows} rows, {rounds} rounds"):
        operator_latency(tiny_tflite(), encoded, rounds)
