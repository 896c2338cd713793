"""The package for Arduino keeps the rules of arduino-lint, named by their numbers."""

import re
import urllib.parse

import pytest

from tests.exported import C_FOLDER, compiles, exported, read

CATEGORIES = {
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control"),
    *("Timing", "Data Storage", "Data Processing", "Other"),
}
SKETCH = "examples/SerialClassifier"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return exported("arduino", tmp_path_factory.mktemp("arduino") / "ei_bert")


@pytest.fixture(scope="module")
def properties(package):
    lines = (package / "library.properties").read_text("utf-8").splitlines()
    fields = [line for line in lines if line and not line.startswith("#")]
    found = dict(line.split("=", 1) for line in fields)
    assert len(found) == len(fields)
    assert all(value == value.strip() != "" for value in found.values())
    return found


def test_properties(package, properties):
    assert list(properties) == [
        *("name", "version", "author", "maintainer", "sentence", "paragraph"),
        *("category", "url", "architectures", "includes"),
    ]
    name = properties["name"]
    # LP005, LP009, LP011 to LP015
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9 _.\-]*", name)
    assert len(name) <= 16
    assert not re.search("arduino|library", name.lower())
    # LP016 to LP018: a version of three numbers.
    assert re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", properties["version"])
    # LP023 and LP024: an address of a maintainer is not Arduino's.
    assert "arduino" not in properties["maintainer"].lower()
    # LP029 and LP032: the paragraph goes on where the sentence ends.
    assert properties["sentence"] not in properties["paragraph"]
    # LP036 to LP038
    assert properties["category"] in CATEGORIES - {"Uncategorized"}
    # LP039 to LP041
    assert urllib.parse.urlparse(properties["url"]).scheme == "https"
    # LP043 to LP045
    assert properties["architectures"] == "*"
    # LP050: the header is where the IDE looks, and LS008: it is named as the library.
    assert properties["includes"] == f"{name}.h"
    assert (package / "src" / f"{name}.h").is_file()


def test_layout(package):
    paths = [path.relative_to(package) for path in package.rglob("*")]
    # LS002 and LS003
    assert len(package.name) <= 63
    for path in paths:
        assert re.fullmatch(r"[a-zA-Z0-9_.\-/ ]+", path.as_posix())
        assert not (package / path).is_symlink()  # LS005
        assert path.suffix not in (".exe", ".a", ".o", ".cc", ".pde")  # LS006, SS004
    # LS009 and LS010: folders are named exactly so, and sources lie in src only.
    names = {path.name for path in package.iterdir()}
    assert names == {
        *("README.md", "ei_bert_export.json", "examples", "extras"),
        *("library.properties", "src"),
    }
    # SS001: a sketch is named as its folder.
    assert (package / SKETCH / "SerialClassifier.ino").is_file()


def test_the_ide_finds_nothing_but_the_main_header(package):
    """Its search goes by the headers right below src."""
    assert [path.name for path in (package / "src").glob("*.*")] == ["ei_bert.h"]


def test_includes_lead_to_files(package):
    """Quoted names beside the file or below src, since nothing else is searched."""
    for name, text in read(package).items():
        if not name.endswith((".c", ".cpp", ".h", ".ino")):
            continue
        for include in re.findall(r'#include "(.*)"', text.decode()):
            places = [(package / name).parent / include, package / "src" / include]
            is_tflm = include.startswith("tensorflow/")
            assert is_tflm or any(place.is_file() for place in places), name


def test_the_sketch_and_the_c_sources_compile(package):
    stubs = ["-x", "c++", "-include", "Arduino.h"]
    include = [package / "src", C_FOLDER / "arduino"]
    compiles(package / SKETCH / "SerialClassifier.ino", include, *stubs)
    for source in [*package.rglob("*.c")]:
        compiles(source, include)
