"""A stale proof is no proof."""

import json
import pathlib

import pytest

from benchmarks._digests import written_digests

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"
RECORDS = BENCHMARKS / "device"
OF_SOURCES = [*sorted(RECORDS.glob("*.json")), BENCHMARKS / "firmware" / "fuzz.json"]


@pytest.mark.parametrize("path", OF_SOURCES, ids=lambda path: path.stem)
def test_the_record_is_about_these_sources(path):
    record = json.loads(path.read_text("utf-8"))
    current = written_digests()
    names = {*record["written"], *current}
    if path.stem == "fuzz":  # Its targets are in C: none compiles the classifier.
        names = {name for name in names if not name.endswith((".cc", ".cc.j2"))}
    changed = {
        name for name in names if record["written"].get(name) != current.get(name)
    }
    assert not changed, f"run again: {record['command']}"


def test_every_board_found_no_failure():
    for path in RECORDS.glob("*.json"):
        for board in json.loads(path.read_text("utf-8"))["boards"]:
            assert "failures 0" in board["printed"]
            assert "self_test 0" in board["printed"]


def test_there_is_a_record():
    assert list(RECORDS.glob("*.json"))
