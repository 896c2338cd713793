"""What int8 costs: quantization-aware students beside their float ones, in points.

usage: python -m benchmarks.quantization_cost
Reads benchmarks/results/ and prints for each task, and then their mean, what the
.tflite's metric in LiteRT is above that of the float student before the last stage,
and above that of the last stage's own weights in float: means over the task's records,
of all of them and of the presets' methods alone.
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


def main(_: list[str]) -> None:
    """Prints four groups of lines."""
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


if __name__ == "__main__":
    app.run(main)
