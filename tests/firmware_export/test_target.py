"""Packages of all targets: what they hold, and how they are written."""

import hashlib
import json
import re

import pytest

from firmware_export.package import firmware_files
from firmware_export.resolver import KERNELS
from firmware_export.target import TARGETS, target_files, write_target
from tests.exported import compiles, exported, read, small_contents

OLDER = "an older exported package is accepted"


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_contents_give_the_same_bytes(tmp_path, target):
    assert read(exported(target, tmp_path / "a")) == read(
        exported(target, tmp_path / "b")
    )


@pytest.mark.parametrize(
    ("target", "form"),
    [(target, form) for target in TARGETS for form in TARGETS[target].forms],
)
def test_every_firmware_file_is_in_the_package_as_it_is(target, form):
    firmware = firmware_files(small_contents(), form)
    places = [TARGETS[target].placed(path) for path in firmware]
    assert len(set(places)) == len(firmware)
    files = target_files(small_contents(), target, form)
    for path, place in zip(firmware, places, strict=True):
        assert files[place] == firmware[path]


# Arduino builds what lies in a folder; the others name each file.
@pytest.mark.parametrize("target", [name for name in TARGETS if name != "arduino"])
def test_every_source_is_built(target):
    form = TARGETS[target].forms[-1]
    files = {
        path: text.decode() if isinstance(text, bytes) and b"\0" not in text else text
        for path, text in target_files(small_contents(), target, form).items()
    }
    builds = "".join(
        text
        for path, text in files.items()
        if path.rsplit("/", 1)[-1] in ("CMakeLists.txt", "BUILD.bazel")
    )
    for path in files:
        if path.endswith((".c", ".cc", ".o")):
            short = path.removeprefix("ei_bert/")
            if path.startswith(TARGETS[target].example):
                short = path.rsplit("/", 1)[-1]
            assert re.search(rf"[\s/\"]{re.escape(short)}\b", builds), path


@pytest.mark.parametrize("target", TARGETS)
def test_the_record_and_the_readme_say_what_it_is(target):
    files = target_files(small_contents(), target, sequence=12)
    record = json.loads(files["ei_bert_export.json"])
    assert record == {
        "generator": "firmware_export",
        "format_version": 1,
        "target": target,
        "version": "1.0.12",
        "model_form": "hex",
        "unicode": "ascii",
        "model_sha256": hashlib.sha256(small_contents().model).hexdigest(),
    }
    readme = files["README.md"]
    assert len(readme.splitlines()) <= 16
    assert "5008 bytes" in " ".join(readme.split())
    assert "{{" not in readme


@pytest.mark.parametrize("target", TARGETS)
def test_a_pair_is_named_where_lines_are(target):
    for pair, shown in ((True, ("text<TAB>pair", r"text\tpair")), (False, ("text",))):
        readme = target_files(small_contents(pair=pair), target)["README.md"]
        assert any(form in readme for form in shown)
        assert ("pair" in readme) == pair


def test_a_package_of_another_target_is_replaced(tmp_path):
    folder = tmp_path / "out"
    exported("cmake", folder)
    (folder / "stale.txt").write_text("")
    exported("zephyr", folder)
    assert read(folder) == read(exported("zephyr", tmp_path / "new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "out"]


def test_the_folder_of_a_link_and_the_current_one_are_written(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    exported("bazel", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "MODULE.bazel").is_file()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_target(target_files(small_contents(), "cmake"), ".")
    assert (tmp_path / "here" / "CMakeLists.txt").is_file()


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ValueError, match=OLDER):
        exported("cmake", tmp_path)
    assert read(tmp_path) == {"mine.txt": b"keep"}


@pytest.mark.parametrize(
    ("target", "form", "message"),
    [
        ("make", "hex", "target 'make'; accepted: cmake, arduino"),
        ("arduino", "object-arm", "for target arduino; accepted: hex, text$"),
        ("esp-idf", "object-x86-64", "for target esp-idf; accepted: hex, text$"),
        ("cmake", "oct", "accepted: hex, text, object-arm, object-x86-64"),
    ],
)
def test_what_no_target_builds_is_refused(target, form, message):
    with pytest.raises(ValueError, match=message):
        target_files(small_contents(), target, form)


def test_all_kernels_are_named(tmp_path):
    operators = [{"name": name, "version": 1, "types": ["int8"]} for name in KERNELS]
    readme = target_files(small_contents(operators=operators), "arduino")["README.md"]
    for method, _ in KERNELS.values():
        assert method in readme


@pytest.mark.parametrize(
    ("target", "stubs", "main"),
    [
        ("cmake", None, "main.cc"),
        ("bazel", None, "main.cc"),
        ("esp-idf", "esp_idf", "main.cc"),
        ("zephyr", "zephyr", "main.cc"),
    ],
)
@pytest.mark.parametrize("changes", [{}, {"pair": True}, {"labels": ()}])
def test_the_example_compiles_without_a_warning(
    tmp_path, request, target, stubs, main, changes
):
    package = exported(target, tmp_path / "out", small_contents(**changes))
    include = [next(package.rglob("include"))]
    if stubs:
        include.append(request.path.parents[1] / "c" / stubs)
    example = package / TARGETS[target].example
    compiles(example / "line_classifier.c", include)
    compiles(example / main, include)
