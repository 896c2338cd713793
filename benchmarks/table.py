"""Prints the results as a table: the mean over seeds, and their spread.

usage: python -m benchmarks.table [--task=SST-2]
Reads benchmarks/results/TASK/METHOD[-VARIANT]-MAX_MODEL_BYTES-SEED.json, which
benchmarks/record.py writes. Values are in percent, of the teacher before it moves, of
the float student before quantization, of the .tflite in LiteRT and in TFLM.
"""

import collections
import json
import pathlib
import statistics

from absl import app, flags

_TASK = flags.DEFINE_string("task", None, "Only this one.")
_RESULTS = pathlib.Path(__file__).parent / "results"
_VALUES = ("teacher", "student_before_qat", "student_int8", "tflm")
_HEADER = (
    *("task", "metric", "limit", "method", "seeds", "teacher", "before QAT", "int8"),
    *("TFLM", "agreement", "bytes"),
)


def groups() -> dict[tuple[str, int, str], list[dict]]:
    """Records of one task, size and method, sorted by these, one for each seed."""
    found = collections.defaultdict(list)
    for path in sorted(_RESULTS.glob(f"{_TASK.value or '*'}/*.json")):
        method, limit, _ = path.stem.rsplit("-", 2)
        record = json.loads(path.read_text("utf-8"))
        found[path.parent.name, -int(limit), method].append(record)
    return dict(sorted(found.items()))


def mean_and_spread(values: list[float]) -> str:
    """`mean`, or `mean ± standard deviation` of several seeds, in percent."""
    mean = f"{100 * statistics.mean(values):.1f}"
    if len(values) == 1:
        return mean
    return f"{mean} ± {100 * statistics.stdev(values):.1f}"


def main(_: list[str]) -> None:
    """Prints the table in Markdown."""
    rows = [_HEADER, ("---",) * len(_HEADER)]
    for (task, limit, method), records in groups().items():
        seeds = ", ".join(str(record["seed"]) for record in records)
        values = [mean_and_spread([r[name] for r in records]) for name in _VALUES]
        agreement = mean_and_spread([r["tflm_agreement"] for r in records])
        size = max(record["model_bytes"] for record in records)
        start = (task, records[0]["metric"], f"{-limit:,}", method, seeds)
        rows.append((*start, *values, agreement, f"{size:,}"))
    for row in rows:
        print("|", " | ".join(row), "|")


if __name__ == "__main__":
    app.run(main)
