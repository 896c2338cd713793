"""Every message that docs/troubleshooting.md quotes is one that a source has."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
QUOTED = re.findall(r"^### `(.*)`$", PAGE, re.M)
STATUSES = re.findall(r"^\| (.*?) \|", PAGE.split("|---|---|")[1], re.M)
# Messages that no Python raises.
OTHERS = (
    "Makefile",
    "firmware_export/targets/cmake/cmake/EiBertTflm.cmake",
    "firmware_export/targets/cmake/cmake/ei_bertConfig.cmake.in",
)


def messages() -> set[str]:
    """Texts of the Python sources, with `…` for what is put into them."""
    found = set()
    for folder in ("ei_bert_tf", "firmware_export", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (getattr(value, "value", None) for value in node.values)
                    found.add("".join(p if isinstance(p, str) else "…" for p in parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found


@pytest.fixture(scope="module")
def sources() -> list[str]:
    texts = [(ROOT / name).read_text("utf-8") for name in OTHERS]
    # A message that goes over two lines in CMake.
    return [*messages(), *(re.sub(r'"\s+"', "", text) for text in texts)]


@pytest.mark.parametrize("quoted", QUOTED)
def test_a_source_has_the_message(sources, quoted):
    assert any(quoted in text for text in sources)


def test_every_heading_below_a_chapter_is_a_message():
    assert len(QUOTED) == len(re.findall("^### ", PAGE, re.M)) > 20


def test_every_status_of_the_firmware_stands_there_once():
    path = ROOT / "firmware_export" / "c" / "src" / "status.c"
    statuses = re.findall(r'return "(.*)";', path.read_text("utf-8"))
    assert sorted(STATUSES) == sorted(set(statuses) - {"ok"})
