"""The pages lead to what is there: files, sections, programs, flags, names, numbers."""

import ast
import functools
import json
import pathlib
import re
import shlex

import pytest
import yaml

import ei_bert_tf
from benchmarks.ship_demo import SHIPPED
from benchmarks.table import groups, mean_and_spread
from tests.programs import ROOT, run_program

DOCS = ROOT / "docs"
PAGES = [
    *sorted(DOCS.rglob("*.md")),
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("examples/*/*.md")),
]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
by_page = pytest.mark.parametrize("path", PAGES, ids=NAMES)


def blocks(path: pathlib.Path, language: str) -> list[str]:
    text = path.read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


@functools.cache
def sections(path: pathlib.Path) -> set[str]:
    """Anchors of the headings as GitHub and the site name them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.M | re.S)
    found = re.findall(r"^#+ (.*)$", text, re.M)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in found)
    return {heading.replace(" ", "-") for heading in kept}


@by_page
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        name, _, section = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), target
        assert not section or section in sections(file), target


class Settings(yaml.SafeLoader):
    """Reads mkdocs.yml without calling what its tags name."""


Settings.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


@pytest.fixture(scope="module")
def settings() -> dict:
    return yaml.load((DOCS / "site" / "mkdocs.yml").read_text("utf-8"), Settings)


def test_every_page_is_in_the_navigation(settings):
    def pages(entry) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        inner = entry.values() if isinstance(entry, dict) else entry
        return [page for part in inner for page in pages(part)]

    found = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert sorted(pages(settings["nav"])) == sorted(found)


def test_the_citation_has_the_address_and_the_version():
    address = (DOCS / "repository.txt").read_text("utf-8").strip()
    page = (DOCS / "cite.md").read_text("utf-8")
    assert f"url = {{{address}}}" in page
    assert f"version = {{{ei_bert_tf.__version__}}}" in page


@functools.cache
def flags_of(program: str) -> dict[str, set[str]]:
    """Flags of a program by its help, with the values of those that list them."""
    help_text = run_program(program, "--help").stdout.decode()
    found = re.findall(r"^  --(\[no\])?(\w+):\s+(?:<(.*?)>:)?", help_text, re.M)
    flags = {name: set(filter(None, values.split("|"))) for _, name, values in found}
    return flags | {f"no{name}": set() for negated, name, _ in found if negated}


def commands(path: pathlib.Path) -> list[list[str]]:
    """The calls of programs in the blocks of a page, as words."""
    lines = "".join(blocks(path, "sh")).replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [call for call in words if any(word.startswith("tools.") for word in call)]


def test_there_are_commands_to_check():
    assert len([call for path in PAGES for call in commands(path)]) > 10


@by_page
def test_commands_name_programs_flags_and_values(path):
    for call in commands(path):
        place = next(i for i, word in enumerate(call) if word.startswith("tools."))
        assert call[place - 1] == "-m", call
        flags = flags_of(call[place].removeprefix("tools."))
        assert flags, call
        for word in call[place + 1 :]:
            if word.startswith("--"):
                name, _, value = word.removeprefix("--").partition("=")
                assert name in flags, word
                assert not flags[name] or value in flags[name], word


@by_page
def test_python_uses_names_that_exist(path):
    accepted = {"train", "evaluate", "text", "label", "output_dir", "resume"}
    accepted |= set(ei_bert_tf.Job.__dataclass_fields__) | {"shared_stages"}
    for block in blocks(path, "python"):
        for node in ast.walk(ast.parse(block)):
            name = ast.unparse(node)
            if isinstance(node, ast.Attribute) and name.startswith("ei_bert_tf."):
                functools.reduce(getattr, name.split(".")[1:], ei_bert_tf)
            elif isinstance(node, ast.Attribute) and name.startswith("bundle."):
                assert hasattr(ei_bert_tf.Bundle, node.attr), name
            elif isinstance(node, ast.Call) and name.startswith("ei_bert_tf.compress"):
                assert {keyword.arg for keyword in node.keywords} <= accepted


def test_the_snippet_of_the_readme_runs(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (block,) = blocks(ROOT / "README.md", "python")
    exec(block, {})
    label, probability = capsys.readouterr().out.split()
    assert label == "sports"
    assert float(probability) > 0.9


@pytest.mark.parametrize("path", [ROOT / "README.md", DOCS / "quickstart.md"])
def test_the_first_prediction_is_what_the_page_says(path):
    call = next(call for call in commands(path) if "tools.predict" in call)
    done = run_program("predict", *call[call.index("tools.predict") + 1 :])
    assert done.stdout.decode() in blocks(path, "text")


def test_the_table_of_the_quickstart_is_of_the_bundle_that_ships():
    manifest = json.loads((SHIPPED / "manifest.json").read_text("utf-8"))
    text = " ".join((DOCS / "quickstart.md").read_text("utf-8").split())
    for stage in manifest["stages"]:
        size, value = f"{stage['bytes'] / 1e6:.3f} MB", f"{stage['value']:.4f}"
        assert f"{stage['name']} {size} {value} {stage['seconds']}" in text
    for name, measured in manifest["runtimes"].items():
        arena = measured.get("arena_bytes")
        shown = "-" if arena is None else f"{arena / 1024:.1f} KB"
        row = f"{name} {measured['value']:.4f} {measured['agreement']:.4f} {shown}"
        assert row in text


def test_the_table_of_the_readme_is_of_the_records():
    """The default student of 1.0 MB for each task, and baselines beside it."""
    limit = -1_000_000
    students = groups(ROOT / "benchmarks" / "results")
    baselines = groups(ROOT / "benchmarks" / "baselines")
    rows: list[list[str]] = [[], [], [], [], [], []]
    for task in ("bbc_news", "snips", "hwu64", "clinc150", "emotion", "SST-2"):
        method = "kd" if task == "bbc_news" else "cross"
        records = students[task, limit, method]
        assert all(record["default"] for record in records)
        for row, name in enumerate(("teacher", "student_int8", "tflm_agreement")):
            value = mean_and_spread([record[name] for record in records])
            rows[row].append(f"{value} %")
        (arena,) = {record["arena_bytes"] for record in records}
        rows[3].append(f"{arena / 1024:.1f} KB")
        for row, name in ((4, "tfidf"), (5, "fasttext")):
            for record in baselines.get((task, limit, name), [{"value": None}]):
                value = record["value"]
                rows[row].append("" if value is None else f"{100 * value:.1f} %")
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    table = [line for line in lines if line.startswith("|")][2:8]
    cells = [[c.strip(" *") for c in line.split("|")[3:9]] for line in table]
    assert cells == rows
