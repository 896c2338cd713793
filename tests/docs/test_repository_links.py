"""Links of pages to files of the repository, as the site leads them."""

import logging
import types

import pytest

from docs.site._repository_links import on_config, on_page_markdown
from tests.programs import ROOT

ADDRESS = (ROOT / "docs" / "repository.txt").read_text("utf-8").strip()


def led(markdown: str, page: str) -> str:
    config = types.SimpleNamespace(docs_dir=str(ROOT / "docs"))
    file = types.SimpleNamespace(src_uri=page)
    return on_page_markdown(
        markdown, page=types.SimpleNamespace(file=file), config=config, files=None
    )


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("index.md", "../README.md", "blob/main/README.md"),
        ("index.md", "../README.md#results", "blob/main/README.md#results"),
        ("index.md", "../benchmarks/device", "tree/main/benchmarks/device"),
        ("firmware/cmake.md", "../../LICENSE", "blob/main/LICENSE"),
    ],
)
def test_a_file_of_the_repository_is_led_to_its_address(page, link, expected):
    assert led(f"see [it]({link}).", page) == f"see [it]({ADDRESS}/{expected})."


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("index.md", "method.md#the-same-bytes"),
        ("firmware/cmake.md", "../firmware.md"),
        ("index.md", "https://example.org/../x"),
    ],
)
def test_other_links_stay(page, link):
    assert led(f"[it]({link})", page) == f"[it]({link})"


def test_every_page_has_a_link_to_the_repository():
    config = types.SimpleNamespace(docs_dir=str(ROOT / "docs"), extra={})
    (link,) = on_config(config).extra["social"]
    assert link["link"] == ADDRESS
    assert ADDRESS.startswith("https://")


def test_a_file_that_is_not_there_is_warned_of(caplog):
    with caplog.at_level(logging.WARNING, "mkdocs"):
        led("[it](../nowhere.json)", "index.md")
    assert "index.md: no file ../nowhere.json" in caplog.text
