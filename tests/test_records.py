"""What every record of a student has, and which of them a preset makes by default."""

import json
import re

import pytest

from benchmarks.refresh_defaults import RESULTS, is_of_a_preset, variant_of
from benchmarks.table import documents

PATHS = sorted(RESULTS.glob("*/*.json"))
FIELDS = (
    *("task", "metric", "method", "default", "max_model_bytes", "model_bytes", "seed"),
    *("train_examples", "teacher", "teacher_name", "student_float", "student_int8"),
    *("tflm_agreement", "arena_bytes", "seconds", "command", "package_version"),
    "environment",
)


@pytest.mark.parametrize("path", PATHS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_the_record_is_whole_and_its_name_is_right(path):
    record = json.loads(path.read_text("utf-8"))
    assert set(FIELDS) <= set(record)
    method, limit, seed = path.stem.rsplit("-", 2)
    variant = variant_of(path, record["method"])
    assert method == "-".join(filter(None, (record["method"], variant)))
    assert (int(limit), int(seed)) == (record["max_model_bytes"], record["seed"])
    assert record["task"] == path.parent.name
    assert record["model_bytes"] <= record["max_model_bytes"]
    assert record["default"] == is_of_a_preset(record, path)


def test_no_command_of_a_record_names_a_folder_of_one_machine():
    found = {
        path: json.loads(path.read_text("utf-8"))
        for path in RESULTS.parent.glob("**/*.json")
    }
    commands = {path: x["command"] for path, x in found.items() if "command" in x}
    assert len(commands) > 50
    assert not [x for x in commands.items() if re.search(r"(^|[ =,])/", x[1])]


def test_every_file_of_the_plan_has_a_source_and_a_digest():
    sources = json.loads((RESULTS.parent / "datasets.json").read_text("utf-8"))
    plan = json.loads((RESULTS.parent / "plan.json").read_text("utf-8"))
    for task in plan["tasks"].values():
        unlabeled = task.get("unlabeled", {}).values()
        parts = [*task["train"], *task["evaluate"], *(x for y in unlabeled for x in y)]
        for part in parts:
            folder, name = part["file"].split("/")
            assert re.fullmatch("[0-9a-f]{64}", sources[folder]["sha256"][name])


def test_the_results_are_those_of_the_records():
    for path, content in documents().items():
        found = path.read_text("utf-8")
        assert found == content, "python -m benchmarks.table --write"
