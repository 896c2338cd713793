"""Derives anew which records are of what a preset does by default.

usage: python -m benchmarks.refresh_defaults
To be run when a preset changes: `default` is no measurement, it says what today's
presets do (tests/test_records.py holds the records to it). Everything else stays as it
was written, the command too: one that names no method was given when the record's own
method was the preset's.
"""

import json
import pathlib

from absl import app

from ei_bert_tf.ablation.record import is_default, write_record

RESULTS = pathlib.Path(__file__).parent / "results"


def variant_of(path: pathlib.Path, method: str) -> str:
    """The variant in METHOD[-VARIANT]-MAX_MODEL_BYTES-SEED.json."""
    return path.stem.rsplit("-", 2)[0].removeprefix(method).removeprefix("-")


def is_of_a_preset(record: dict, path: pathlib.Path) -> bool:
    """What `default` has to be. The oldest records have no recipe: those are of the
    preset standard."""
    method = record["method"]
    standard = {"preset": "standard", "method": method, "student_start": "slice"}
    return is_default(record.get("recipe", standard), variant_of(path, method))


def main(_: list[str]) -> None:
    """Writes the records that say something else, and their paths."""
    for path in sorted(RESULTS.glob("*/*.json")):
        found = json.loads(path.read_text("utf-8"))
        default = is_of_a_preset(found, path)
        if found["default"] != default:
            write_record(found | {"default": default}, path)
            print(path, default)


if __name__ == "__main__":
    app.run(main)
