"""Open-loop traffic against classifiers in this process.

A client that waits for an answer before it asks again hides every delay from itself.
Here the requests come at moments that were drawn beforehand, whatever became of those
before them, and a latency counts from that moment and not from when a worker was free.

N requests.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

PATTERNS = ("steady", "poisson", "bursts")
# Requests of a burst come at one moment, as the parts of a page or a document do.
BURST_REQUESTS = 10
# How finely the search for saturation halves, and the growth of latency per time that
# counts as none: it tells rates apart down to 2 %.
_HALVINGS = 7
_GROWTH = 0.02
PERCENTILES = {"median": 50, "p95": 95, "p99": 99, "p99_9": 99.9}
_STRETCHES = 10


def arrivals(pattern: str, requests: int, rate: float, seed: int) -> np.ndarray:
    """Seconds at which requests come, float64 [N], ascending from about 0.

    Args:
        pattern: `steady`, equal gaps; `poisson`, exponential gaps; `bursts`,
            BURST_REQUESTS at a time with exponential gaps between bursts.
        requests: N.
        rate: mean requests a second.
        seed: of the gaps.

    Raises:
        ValueError: no such pattern.
    """
    generator = np.random.default_rng(seed)
    if pattern == "steady":
        return np.arange(requests) / rate
    if pattern == "poisson":
        return np.cumsum(generator.exponential(1 / rate, requests))
    if pattern == "bursts":
        bursts = -(-requests // BURST_REQUESTS)
        moments = np.cumsum(generator.exponential(BURST_REQUESTS / rate, bursts))
        return np.repeat(moments, BURST_REQUESTS)[:requests]
    raise ValueError(f"arrivals: {pattern!r}; accepted: {', '.join(PATTERNS)}")


@dataclasses.dataclass(frozen=True)
class Served:
    """What became of N requests.

    Attributes:
        latency_ms: float64 [N], from a request's arrival to its answer.
        errors: how many answers were exceptions or wrong.
        seconds: from the first arrival to the last answer.
    """

    latency_ms: np.ndarray
    errors: int
    seconds: float

    def summary(self) -> dict[str, Any]:
        """Median, tail and largest latency in milliseconds, and the 99th percentile of
        each tenth of the requests: a moment in which the machine did something else is
        in one of them."""
        found: dict[str, Any] = {
            name: _percentile(self.latency_ms, percentile)
            for name, percentile in PERCENTILES.items()
        }
        found["max"] = round(float(self.latency_ms.max()), 3)
        parts = min(_STRETCHES, len(self.latency_ms))
        stretches = np.array_split(self.latency_ms, parts)
        found["p99_of_tenths"] = [_percentile(part, 99) for part in stretches]
        return found


def _percentile(latency_ms: np.ndarray, percentile: float) -> float:
    return round(float(np.percentile(latency_ms, percentile)), 3)


def serve(
    workers: Sequence[Callable[[str], np.ndarray]],
    texts: Sequence[str],
    answers: Sequence[np.ndarray],
    moments: np.ndarray,
) -> Served:
    """Answers requests with one thread a worker, first come, first served.

    A free worker takes the next request and waits for its arrival: the order and the
    moments are those of a common queue, which would cost a thread of its own.

    Args:
        workers: classifiers; each is called by one thread only.
        texts: request n asks for texts[n % len(texts)].
        answers: what each text's answer has to equal.
        moments: seconds, ascending, float64 [N].
    """
    latency = np.zeros(len(moments))
    errors = [0] * len(workers)
    lock = threading.Lock()
    taken = 0
    # Some time for the threads to start.
    start = time.perf_counter() + 0.05

    def work(number: int) -> None:
        nonlocal taken
        while True:
            with lock:
                request = taken
                taken += 1
            if request >= len(moments):
                return
            arrival = start + moments[request]
            early = arrival - time.perf_counter()
            if early > 0:
                time.sleep(early)
            kind = request % len(texts)
            try:
                right = np.array_equal(workers[number](texts[kind]), answers[kind])
            except Exception:
                # Whatever went wrong, a server would have failed this request only.
                right = False
            latency[request] = time.perf_counter() - arrival
            errors[number] += not right

    threads = [
        threading.Thread(target=work, args=(number,)) for number in range(len(workers))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    end = float((moments + latency).max())
    return Served(1000 * latency, sum(errors), end - float(moments[0]))


def saturation(
    workers: Sequence[Callable[[str], np.ndarray]],
    texts: Sequence[str],
    answers: Sequence[np.ndarray],
    requests: int,
) -> float:
    """The highest rate of steady arrivals that is answered as it comes, a second.

    Not what is answered when the next request is always there already, from which the
    search by halves begins: a request that comes alone costs more, because a thread has
    to wake up for it and finds its caches cold.

    Args:
        workers, texts, answers: as of `serve`.
        requests: of each rate that is tried.
    """
    most = requests / serve(workers, texts, answers, np.zeros(requests)).seconds
    least = 0.0
    for _ in range(_HALVINGS):
        rate = (least + most) / 2
        moments = arrivals("steady", requests, rate, seed=0)
        if _falls_behind(serve(workers, texts, answers, moments)):
            most = rate
        else:
            least = rate
    return least or most


def _falls_behind(served: Served) -> bool:
    """Whether latency grows by more than a small part of the time that passes."""
    tenth = -(-len(served.latency_ms) // 10)
    first, last = served.latency_ms[:tenth], served.latency_ms[-tenth:]
    growth_ms = np.median(last) - np.median(first)
    return bool(growth_ms > 1000 * _GROWTH * served.seconds)
