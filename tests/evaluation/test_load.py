"""Traffic that does not wait for answers."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_bert_tf.evaluation.load import (
    BURST_REQUESTS,
    PATTERNS,
    Served,
    arrivals,
    saturation,
    serve,
)

TEXTS = ["right", "wrong", "broken"]
RIGHT = [np.array([1]), np.array([1]), np.array([1])]


def worker(seconds=0.0, seen=None):
    """Answers 1, but for the texts that say otherwise."""

    def classify(text):
        if seen is not None:
            seen.append(time.perf_counter())
        time.sleep(seconds)
        if text == "broken":
            raise RuntimeError("no answer")
        return np.array([2 if text == "wrong" else 1])

    return classify


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=30)
@given(
    requests=st.integers(1, 500),
    rate=st.floats(0.1, 1e5),
    seed=st.integers(0, 1000),
)
def test_arrivals_ascend_and_follow_from_the_seed(pattern, requests, rate, seed):
    moments = arrivals(pattern, requests, rate, seed)
    assert moments.shape == (requests,)
    assert moments[0] >= 0
    assert (np.diff(moments) >= 0).all()
    np.testing.assert_array_equal(moments, arrivals(pattern, requests, rate, seed))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_mean_rate_is_the_asked_one(pattern):
    moments = arrivals(pattern, 100_000, 250.0, seed=1)
    # Bursts: 10,000 exponential gaps, whose mean has an error of 1 %.
    assert len(moments) / moments[-1] == pytest.approx(250, rel=0.04)


def test_gaps_are_equal_exponential_or_of_bursts():
    steady, poisson, bursts = (
        np.diff(arrivals(pattern, 50_000, 100.0, seed=2)) for pattern in PATTERNS
    )
    np.testing.assert_allclose(steady, 0.01)
    assert poisson.std() == pytest.approx(poisson.mean(), rel=0.03)
    between = bursts[BURST_REQUESTS - 1 :: BURST_REQUESTS]
    assert np.count_nonzero(bursts) == len(between) == 50_000 // BURST_REQUESTS - 1
    assert between.std() == pytest.approx(between.mean(), rel=0.05)


def test_an_unknown_pattern_is_refused():
    with pytest.raises(ValueError, match="'waves'; accepted: steady, poisson, bursts"):
        arrivals("waves", 1, 1.0, 0)


def test_a_latency_counts_from_the_arrival():
    """Five requests at once wait for each other; none is asked later for that."""
    served = serve([worker(0.02)], TEXTS[:1], RIGHT, np.zeros(5))
    assert (served.latency_ms >= 20 * np.arange(1, 6)).all()
    assert served.seconds >= 0.1
    assert served.errors == 0


def test_a_disturbance_is_in_one_tenth():
    latency = np.full(1000, 2.0)
    latency[300:350] = 90.0
    found = Served(latency, 0, 1.0).summary()
    assert (found["median"], found["p99"], found["max"]) == (2.0, 90.0, 90.0)
    assert found["p99_of_tenths"] == [2.0] * 3 + [90.0] + [2.0] * 6


def test_few_requests_have_as_many_stretches():
    found = Served(np.array([1.0, 2.0, 3.0]), 0, 1.0).summary()
    assert found["p99_of_tenths"] == [1.0, 2.0, 3.0]


def test_no_answer_comes_before_its_request():
    seen = []
    moments = np.array([0.0, 0.05, 0.1])
    served = serve([worker(0.0, seen)] * 2, TEXTS[:1], RIGHT, moments)
    assert (served.latency_ms > 0).all()
    assert seen[2] - seen[0] >= 0.095


def test_workers_share_the_requests():
    served = serve([worker(0.05)] * 4, TEXTS[:1], RIGHT, np.zeros(8))
    # Two rounds of four; one worker would need 400 ms.
    assert 100 <= served.latency_ms.max() < 350


def test_wrong_answers_and_exceptions_are_errors():
    served = serve([worker()] * 2, TEXTS, RIGHT, np.zeros(30))
    assert served.errors == 20
    assert (served.latency_ms > 0).all()


def test_the_summary_has_the_tail():
    found = Served(np.arange(1.0, 1002), 0, 1.0).summary()
    del found["p99_of_tenths"]
    assert found == {
        "median": 501.0,
        "p95": 951.0,
        "p99": 991.0,
        "p99_9": 1000.0,
        "max": 1001.0,
    }


def test_saturation_is_what_the_workers_can_do():
    one = saturation([worker(0.01)], TEXTS[:1], RIGHT, 60)
    two = saturation([worker(0.01)] * 2, TEXTS[:1], RIGHT, 60)
    assert 60 < one <= 103
    assert 1.2 * one < two <= 206


def test_what_does_not_last_is_no_saturation():
    """The first answers are cheap: a full queue gets more than goes on for ever."""
    left = [45]

    def classify(text):
        left[0] -= 1
        time.sleep(0.0005 if left[0] >= 0 else 0.005)
        return np.array([1])

    # 200 a second at most; the queue's first 60 answers come at some 600.
    assert 100 < saturation([classify], TEXTS[:1], RIGHT, 60) < 215
