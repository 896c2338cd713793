"""Finds the best of several candidates by short trials (successive halving)."""

import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Trial:
    """One candidate's.

    Attributes:
        candidate: its number.
        steps: of its training.
        score: more is better.
    """

    candidate: int
    steps: int
    score: float

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def successive_halving(
    candidates: int,
    steps: int,
    score: Callable[[int, int], float],
    record: pathlib.Path,
) -> list[Trial]:
    """All candidates are tried, the better half with twice the steps, and so on until
    one is left: `winner` (Jamieson and Talwalkar 2016).

    Args:
        candidates: how many, at least 2; of equal scores the first counts as better.
        steps: of the first trials.
        score: of candidate number and steps.
        record: JSON file of the trials so far; those in it are not run again.
    """
    done = []
    if record.is_file():
        done = [Trial(**fields) for fields in json.loads(record.read_text("utf-8"))]
    trials: list[Trial] = []
    left = list(range(candidates))
    while len(left) > 1:
        for candidate in left:
            if len(done) == len(trials):
                done.append(Trial(candidate, steps, score(candidate, steps)))
                temporary = record.with_suffix(".tmp")
                temporary.write_text(json.dumps([trial.to_json() for trial in done]))
                temporary.replace(record)
            trials.append(done[len(trials)])
        scores = {trial.candidate: trial.score for trial in trials[-len(left) :]}
        left = sorted(left, key=lambda candidate: -scores[candidate])[: len(left) // 2]
        steps *= 2
    return trials


def winner(trials: list[Trial]) -> int:
    """The candidate that was left."""
    most = max(trial.steps for trial in trials)
    last = [trial for trial in trials if trial.steps == most]
    return max(last, key=lambda trial: trial.score).candidate
