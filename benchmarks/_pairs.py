"""What `cross` adds to the student that it starts from, seed by seed.

A record of `cross` and one of `kd` are a pair if they share every stage up to the
distillation: a shared stage has the same seconds in both, to a tenth.
"""

import dataclasses
import statistics
from collections.abc import Iterable
from typing import Any

from scipy import stats

_SHARED = ("teacher", "vocabulary", "augmentation", "distillation")
_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pairs of one task, size and recipe.

    Attributes:
        task, limit: what they are about; the limit in bytes.
        cross, kd: names of the methods.
        seeds: one a pair.
        values: metric of kd and of cross, int8 in LiteRT, of each pair.
    """

    task: str
    limit: int
    cross: str
    kd: str
    seeds: tuple[int, ...]
    values: tuple[tuple[float, float], ...]

    @property
    def differences(self) -> list[float]:
        """cross less kd of each pair, in points."""
        return [100 * (cross - kd) for kd, cross in self.values]


def find_pairs(
    students: dict[tuple[str, int, str], list[dict[str, Any]]],
) -> list[Pairs]:
    """All pairs among records by (task, -limit, method), as table.groups has them."""
    found = []
    for (task, limit, cross), crossed in students.items():
        if cross.split("-")[0] != "cross":
            continue
        for (other, size, kd), distilled in students.items():
            if (other, size, kd.split("-")[0]) != (task, limit, "kd"):
                continue
            by_stages = {_stages(record): record for record in distilled}
            both = [
                (by_stages[_stages(record)], record)
                for record in crossed
                if _stages(record) in by_stages
            ]
            if both:
                seeds = tuple(record["seed"] for _, record in both)
                values = tuple(
                    (start["student_int8"], record["student_int8"])
                    for start, record in both
                )
                found.append(Pairs(task, -limit, cross, kd, seeds, values))
    return found


def mean_interval(differences: Iterable[float]) -> str:
    """`mean, low to high`: Student's t interval of 95 %; the mean alone of one."""
    values = list(differences)
    mean = f"{statistics.mean(values):+.1f}"
    if len(values) == 1:
        return mean
    error = statistics.stdev(values) / len(values) ** 0.5
    reach = float(stats.t.ppf((1 + _CONFIDENCE) / 2, len(values) - 1)) * error
    low, high = statistics.mean(values) - reach, statistics.mean(values) + reach
    return f"{mean}, {low:+.1f} to {high:+.1f}"


def _stages(record: dict[str, Any]) -> tuple:
    seconds = record["seconds"]
    return record["seed"], *(seconds.get(name) for name in _SHARED)
