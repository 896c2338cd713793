"""Times side by side: arithmetic, order, and who is compared with whom."""

import itertools
import time

import numpy as np
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.latency import (
    Engine,
    Timing,
    groups_by_length,
    measure,
    ratio,
    ratios,
    summary,
    table,
)

TEXTS = [("a",), ("b",), ("c",)]


def engine(model, name, threads=1, calls=None, seconds=0.0):
    """One that notes its texts and sleeps."""

    def infer(tokens):
        if calls is not None:
            calls.append((name, tokens))
        time.sleep(seconds)
        return np.zeros(1)

    return Engine(model, name, threads, lambda text: text[0], infer)


def timing(inference_ms, tokenization_ms=0.0):
    inference_ms = np.asarray(inference_ms, float)
    return Timing(np.full_like(inference_ms, tokenization_ms), inference_ms)


def test_every_engine_runs_every_text_in_every_round_and_all_take_turns():
    calls = []
    engines = [engine("student", name, calls=calls) for name in ("one", "two")]
    measure(engines, TEXTS, rounds=2)
    blocks = [name for name, _ in itertools.groupby(name for name, _ in calls)]
    assert blocks == ["one", "two", "one"]  # two ends a round and begins the next
    for name in ("one", "two"):
        timed = [text for found, text in calls if found == name]
        # Each round ends with the texts in order, after those that warm up.
        assert timed[-3:] == ["a", "b", "c"]
        assert len(timed) == 2 * (5 + 3)


def test_tokenization_and_inference_are_timed_apart():
    slow = engine("student", "slow", seconds=0.01)
    (found,) = measure([slow], TEXTS, rounds=2)
    assert found.inference_ms.shape == found.tokenization_ms.shape == (2, 3)
    assert found.inference_ms.min() >= 10
    assert np.median(found.tokenization_ms) < 1
    np.testing.assert_array_equal(
        found.together_ms, found.inference_ms + found.tokenization_ms
    )


@pytest.mark.parametrize(("texts", "rounds"), [([], 1), (TEXTS, 0)])
def test_nothing_to_time_is_refused(texts, rounds):
    with pytest.raises(InputError, match="at least one of each"):
        measure([engine("student", "one")], texts, rounds)


def test_summary_of_a_hundred_and_one_times():
    times = np.random.default_rng(0).permutation(101.0 + np.arange(101))
    assert summary(times) == {"median": 151.0, "p95": 196.0, "p99": 200.0}


def test_a_ratio_is_of_pairs():
    own = np.array([[1.0, 10.0, 100.0]])
    peer = np.array([[30.0, 20.0, 100.0]])
    # Of the medians it would be 3.
    assert ratio(peer, own) == 2.0


def test_groups_are_powers_of_two_and_leave_out_none():
    groups = groups_by_length(np.array([1, 8, 9, 16, 17, 32, 33, 70]))
    assert {name: rows.tolist() for name, rows in groups.items()} == {
        "all": list(range(8)),
        "1-8": [0, 1],
        "9-16": [2, 3],
        "17-32": [4, 5],
        "33-64": [6],
        "65-128": [7],
    }
    assert list(groups_by_length(np.array([20]))) == ["all", "17-32"]


def test_the_peer_is_the_faster_engine_of_as_many_threads():
    engines = [
        engine("student", "litert", 1),
        engine("student", "litert", 2),
        engine("teacher", "dynamic", 1),
        engine("teacher", "static", 1),
        engine("teacher", "dynamic", 2),
        engine("teacher", "static", 2),
    ]
    timings = [
        timing([[1.0, 2.0]], 1.0),
        timing([[1.0, 1.0]]),
        timing([[30.0, 30.0]]),
        timing([[10.0, 20.0]], 2.0),
        timing([[5.0, 7.0]]),
        timing([[8.0, 8.0]]),
    ]
    found = ratios(engines, timings, np.array([5, 20]), own="student")
    assert found == [
        {
            "engine": "litert",
            "threads": 1,
            "peer": "teacher",
            "peer_engine": "static",
            "inference": {"all": 10.0, "1-8": 10.0, "17-32": 10.0},
            "together": {"all": 6.667, "1-8": 6.0, "17-32": 7.333},
        },
        {
            "engine": "litert",
            "threads": 2,
            "peer": "teacher",
            "peer_engine": "dynamic",
            "inference": {"all": 6.0, "1-8": 5.0, "17-32": 7.0},
            "together": {"all": 6.0, "1-8": 5.0, "17-32": 7.0},
        },
    ]


def test_the_table_has_every_engine_by_length():
    engines = [engine("student", "litert", 2)]
    (row,) = table(engines, [timing([[1.0, 3.0], [2.0, 4.0]], 1)], np.array([5, 20]))
    assert (row["model"], row["engine"], row["threads"]) == ("student", "litert", 2)
    assert row["all"]["texts"] == 2
    assert row["all"]["inference_ms"]["median"] == 2.5
    assert row["17-32"]["inference_ms"]["median"] == 3.5
    assert row["17-32"]["together_ms"]["median"] == 4.5
    assert row["1-8"]["tokenization_ms"]["p99"] == 1.0
