"""The rooms of docs/architecture.md import nothing of those after them."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
ROOMS = (
    "text",
    "teacher",
    "vocabulary",
    "student",
    "distillation",
    "compression",
    "conversion",
    "evaluation",
    "reporting",
)
# The files that know the rooms, in the order of who knows whom.
ABOVE = (
    *("job", "preparation", "curriculum", "float_pipeline", "pipeline", "progression"),
    *(
        "bundle",
        "firmware",
        "demo_page",
        "run_report",
        "composition",
        "benchmark",
        "ablation",
    ),
)


def imported(path: pathlib.Path) -> set[str]:
    """The modules that a file imports, as dotted names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_no_later_one(room):
    later = {*ROOMS[ROOMS.index(room) + 1 :], *ABOVE}
    files = sorted((ROOT / "ei_bert_tf" / room).glob("*.py"))
    assert files
    for path in files:
        for name in imported(path):
            parts = name.split(".")
            assert parts[0] != "firmware_export", path
            if parts[0] == "ei_bert_tf" and len(parts) > 1:
                assert parts[1] not in later, f"{path}: {name}"


def test_what_all_rooms_use_imports_no_room():
    for path in sorted((ROOT / "ei_bert_tf").glob("*.py")):
        if path.stem in (*ABOVE, "__init__"):
            continue
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "ei_bert_tf" and len(parts) > 1:
                assert parts[1] not in (*ROOMS, *ABOVE), f"{path}: {name}"


def test_the_export_knows_nothing_of_the_library():
    for path in sorted((ROOT / "firmware_export").glob("*.py")):
        assert not any(name.startswith("ei_bert_tf") for name in imported(path))
