"""What int8 costs: quantization-aware students beside their float ones, in points.

usage: python -m benchmarks.quantization_cost
Reads benchmarks/results/ and prints for each task, and then their mean, what the
.tflite's metric in LiteRT is above that of the float student before the last stage,
and above that of the last stage's own weights in float: means over the task's records,
of all of them and of the presets' methods alone. Then the former again, of the records
whose students were trained under quantization whatever held-out train said: of those
where it was against that and of the others.
"""

import statistics
from collections.abc import Callable

from absl import app

from benchmarks.refresh_defaults import RESULTS
from benchmarks.table import groups

_FLOATS = {"before QAT": "student_before_qat", "same weights": "student_float"}


def costs(stage: str, chosen: Callable[[dict], bool]) -> dict[str, list[float]]:
    """Percent points of the file above a float stage by task, one for each record."""
    found: dict[str, list[float]] = {}
    for (task, _, _), records in groups(RESULTS).items():
        points = [
            100 * (record["student_int8"] - record[stage])
            for record in records
            if chosen(record)
        ]
        if points:
            found.setdefault(task, []).extend(points)
    return found


def against_training(record: dict) -> bool | None:
    """Whether training under quantization made a student worse on held-out train; None
    where it was not recorded, or where the file is then of the student before it."""
    held_out = record.get("held_out", {})
    stages = ("student_before_qat", "student_float")
    recipe = record.get("recipe", {})  # The oldest have none, and had no choice.
    way = recipe.get("quantization", "qat")
    if way != "qat" or not {*stages} <= {*held_out}:
        return None
    return held_out["student_float"] < held_out["student_before_qat"]


def main(_: list[str]) -> None:
    """Prints six groups of lines."""
    kinds: dict[str, Callable[[dict], bool]] = {
        "all records": lambda record: True,
        "presets' methods": lambda record: record["default"],
    }
    for kind, chosen in kinds.items():
        for name, stage in _FLOATS.items():
            found = costs(stage, chosen)
            print(f"{kind}, int8 against float, {name}:")
            for task, points in found.items():
                print(f"  {task} {statistics.mean(points):+.2f} ({len(points)})")
            mean = statistics.mean(map(statistics.mean, found.values()))
            print(f"  mean over {len(found)} tasks {mean:+.2f}")
    for against in (True, False):
        found = costs(
            _FLOATS["before QAT"],
            lambda record, wanted=against: against_training(record) is wanted,
        )
        points = [point for task in found.values() for point in task]
        print(
            f"always trained, held-out train {'against' if against else 'not against'} "
            f"it, int8 against float, before QAT: {statistics.mean(points):+.2f} "
            f"({len(points)})"
        )


if __name__ == "__main__":
    app.run(main)
