"""How long engines take for a text, measured side by side.

N texts, R rounds. All engines run in one process on the same texts in the same order.
In each round every engine runs all texts before the next one does, so that it finds
its weights in the processor's caches as it would if it ran alone; which engine comes
first rotates, so that none has the quiet moments of the machine for itself.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ei_bert_tf.errors import InputError

PERCENTILES = {"median": 50, "p95": 95, "p99": 99}
# Runs of an engine before each round that are not timed.
_WARM_UP = 5


@dataclasses.dataclass(frozen=True)
class Engine:
    """One way from a text to logits, in two steps that are timed apart.

    Attributes:
        model: what it computes, such as `student`.
        name: what computes it, such as `litert`.
        threads: how many it computes with.
        tokenize: text, or text and pair, to what `infer` takes.
        infer: that to logits.
    """

    model: str
    name: str
    threads: int
    tokenize: Callable[[Sequence[str]], Any]
    infer: Callable[[Any], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Timing:
    """What an engine took.

    Attributes:
        tokenization_ms: float64 [R, N].
        inference_ms: float64 [R, N].
    """

    tokenization_ms: np.ndarray
    inference_ms: np.ndarray

    @property
    def together_ms(self) -> np.ndarray:
        """float64 [R, N]."""
        return self.tokenization_ms + self.inference_ms


def measure(
    engines: Sequence[Engine], texts: Sequence[Sequence[str]], rounds: int
) -> list[Timing]:
    """Times every engine on every text in every round.

    Args:
        engines: in the order of the result.
        texts: N of one text or a pair each.
        rounds: R.

    Raises:
        InputError: there is no text or no round.
    """
    if not texts or rounds < 1:
        raise InputError(
            f"latency: {len(texts)} texts in {rounds} rounds; at least one of each is "
            "needed"
        )
    seconds = np.zeros((len(engines), 2, rounds, len(texts)))
    for round_number in range(rounds):
        for place in range(len(engines)):
            index = (place + round_number) % len(engines)
            seconds[index, :, round_number] = _one_round(engines[index], texts)
    return [Timing(*(1000 * times)) for times in seconds]


def _one_round(engine: Engine, texts: Sequence[Sequence[str]]) -> np.ndarray:
    """Seconds float64 [2, N] of tokenization and inference."""
    for number in range(_WARM_UP):
        engine.infer(engine.tokenize(texts[number % len(texts)]))
    found = np.empty((2, len(texts)))
    for number, text in enumerate(texts):
        start = time.perf_counter()
        tokens = engine.tokenize(text)
        middle = time.perf_counter()
        engine.infer(tokens)
        found[:, number] = middle - start, time.perf_counter() - middle
    return found


def summary(times_ms: np.ndarray) -> dict[str, float]:
    """Median and tail of times, in milliseconds."""
    return {
        name: round(float(np.percentile(times_ms, percentile)), 4)
        for name, percentile in PERCENTILES.items()
    }


def ratio(peer_ms: np.ndarray, own_ms: np.ndarray) -> float:
    """How many times as long the peer takes: the median over pairs of one text and
    one round, float64 [R, N] each."""
    return round(float(np.median(peer_ms / own_ms)), 3)


def groups_by_length(lengths: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of all texts and of those of 1-8, 9-16, 17-32, 33-64, ... tokens, as far as
    there are any.

    Args:
        lengths: int [N], tokens of each text.
    """
    found = {"all": np.arange(len(lengths))}
    first, last = 1, 8
    while first <= lengths.max():
        rows = np.flatnonzero((lengths >= first) & (lengths <= last))
        if rows.size:
            found[f"{first}-{last}"] = rows
        first, last = last + 1, 2 * last
    return found


def table(
    engines: Sequence[Engine], timings: Sequence[Timing], lengths: np.ndarray
) -> list[dict[str, Any]]:
    """What each engine took, for all texts and by their length.

    Args:
        engines: as given to `measure`.
        timings: what it returned.
        lengths: int [N], tokens of each text.
    """
    groups = groups_by_length(lengths)
    return [
        {"model": engine.model, "engine": engine.name, "threads": engine.threads}
        | {
            group: {
                "texts": len(rows),
                "tokenization_ms": summary(timing.tokenization_ms[:, rows]),
                "inference_ms": summary(timing.inference_ms[:, rows]),
                "together_ms": summary(timing.together_ms[:, rows]),
            }
            for group, rows in groups.items()
        }
        for engine, timing in zip(engines, timings, strict=True)
    ]


def ratios(
    engines: Sequence[Engine],
    timings: Sequence[Timing],
    lengths: np.ndarray,
    own: str,
) -> list[dict[str, Any]]:
    """How many times as long each other model takes in the faster of its engines.

    Args:
        engines, timings, lengths: as of `table`.
        own: the model whose engines are compared, each with those of as many threads.
    """
    pairs = list(zip(engines, timings, strict=True))
    groups = groups_by_length(lengths)
    fastest: dict[tuple[str, int], tuple[Engine, Timing]] = {}
    for engine, timing in pairs:
        key = engine.model, engine.threads
        if engine.model != own and (
            key not in fastest
            or np.median(timing.inference_ms) < np.median(fastest[key][1].inference_ms)
        ):
            fastest[key] = engine, timing
    return [
        {
            "engine": engine.name,
            "threads": engine.threads,
            "peer": peer.model,
            "peer_engine": peer.name,
            "inference": {
                group: ratio(theirs.inference_ms[:, rows], timing.inference_ms[:, rows])
                for group, rows in groups.items()
            },
            "together": {
                group: ratio(theirs.together_ms[:, rows], timing.together_ms[:, rows])
                for group, rows in groups.items()
            },
        }
        for engine, timing in pairs
        if engine.model == own
        for (_, threads), (peer, theirs) in fastest.items()
        if threads == engine.threads
    ]
