"""The package for CMake: built, installed and found by another project.

EI_BERT_TFLM_LIB and EI_BERT_TFLM_INCLUDE name a TensorFlow Lite Micro of this machine
by files and folders, each separated like a PATH; the project ships none.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from ei_bert_tf.firmware import firmware_contents
from tests.conftest import ALLOWED_SKIP
from tests.exported import C_FOLDER, WARNINGS, exported
from tests.tiny_bundle import tiny_bundle

BESIDE_PYTHON = str(pathlib.Path(sys.executable).parent)


def cmake(*arguments: str | pathlib.Path, succeeds: bool = True) -> str:
    """What CMake printed; the one of the environment comes first."""
    program = shutil.which("cmake", path=BESIDE_PYTHON) or shutil.which("cmake")
    assert program, "no cmake: the extra dev brings it"
    done = subprocess.run(
        [program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == succeeds, done.stdout
    return done.stdout


def tflm_flags() -> list[str]:
    """The flags that name the TFLM; the test is skipped without one."""
    if "EI_BERT_TFLM_LIB" not in os.environ:
        pytest.skip(ALLOWED_SKIP)
    library, include = (
        os.environ[f"EI_BERT_TFLM_{name}"].replace(os.pathsep, ";")
        for name in ("LIB", "INCLUDE")
    )
    return [
        f"-DEI_BERT_TFLM_LIBRARY={library}",
        f"-DEI_BERT_TFLM_INCLUDE_DIR={include}",
    ]


def installed(package: pathlib.Path, *flags: str) -> pathlib.Path:
    """Builds a package with all warnings and installs it."""
    build, prefix = package.with_name("build"), package.with_name("prefix")
    warnings = f"-DCMAKE_C_FLAGS={' '.join(WARNINGS)}"
    cmake("-S", package, "-B", build, warnings, *flags)
    cmake("--build", build)
    cmake("--install", build, "--prefix", prefix)
    return prefix


def test_another_project_finds_the_tokenizer(tmp_path):
    prefix = installed(exported("cmake", tmp_path / "package"))
    found = {path.name for path in prefix.rglob("*.*") if path.is_file()}
    assert {"tokenizer.h", "config.h", "ei_bert.blob"} <= found
    assert not any("classifier.a" in name for name in found)
    consumer, build = C_FOLDER / "cmake_consumer", tmp_path / "consumer"
    flags = [f"-DCMAKE_PREFIX_PATH={prefix}"]
    cmake("-S", consumer, "-B", build, *flags)
    cmake("--build", build)
    printed = subprocess.run([build / "consumer"], check=True, stdout=subprocess.PIPE)
    assert printed.stdout == b"ok, vectors: 2\n"
    # What was not installed is said and not found later as a missing target.
    text = cmake(
        *("-S", consumer, "-B", tmp_path / "other", "-DCOMPONENTS=classifier"),
        *flags,
        succeeds=False,
    )
    assert "was installed without ei_bert::classifier" in " ".join(text.split())


def test_a_target_that_does_not_exist_is_refused(tmp_path):
    package = exported("cmake", tmp_path / "package")
    text = cmake(
        *("-S", package, "-B", tmp_path / "build", "-DEI_BERT_TFLM_TARGET=tflm::none"),
        succeeds=False,
    )
    assert "EI_BERT_TFLM_TARGET=tflm::none: no such target" in " ".join(text.split())


def test_warnings_are_left_to_the_user(tmp_path):
    package = exported("cmake", tmp_path / "package")
    for path in [package / "CMakeLists.txt", *package.rglob("*.cmake")]:
        assert "-W" not in path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["hex", "text", "object-x86-64"])
def test_a_subproject_has_the_tokenizer(tmp_path, form):
    """As with add_subdirectory or FetchContent: nothing is installed."""
    package = exported("cmake", tmp_path / "package", model_form=form)
    main = (C_FOLDER / "cmake_consumer" / "main.c").as_posix()
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\n"
        "project(outer LANGUAGES C)\n"
        f"add_subdirectory({package.name})\n"
        f"add_executable(consumer {main})\n"
        "target_link_libraries(consumer PRIVATE ei_bert::tokenizer)\n"
    )
    build = tmp_path / "outer"
    cmake("-S", tmp_path, "-B", build)
    cmake("--build", build)
    subprocess.run([build / "consumer"], check=True, stdout=subprocess.PIPE)
    cmake("--install", build, "--prefix", tmp_path / "prefix")
    assert not list(tmp_path.glob("prefix/**/*.a"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "outputs", "pair"),
    [("hex", 3, False), ("text", 2, True), ("object-x86-64", 1, False)],
)
def test_the_example_answers_as_the_bundle_does(tmp_path, form, outputs, pair):
    flags = tflm_flags()
    bundle = tiny_bundle(tmp_path / "bundle", outputs, pair)
    contents = firmware_contents(bundle, "ascii")
    package = exported("cmake", tmp_path / "package", contents, form)
    prefix = installed(package, *flags)
    program = tmp_path / "build" / "examples" / "serial_classifier"
    texts = ["turn the light off", "", "lights", "off off"]
    pairs = texts[::-1] if pair else None
    lines = [f"{a}\t{b}" for a, b in zip(texts, pairs, strict=True)] if pair else texts
    printed = subprocess.run(
        [program / "serial_classifier"],
        input="".join(f"{line}\n" for line in lines),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert printed[:2] == ["# model: ok", "# self test: ok, vectors: 16"]
    expected = [
        f"{found.value:.4f}"
        if found.label is None
        else f"{found.label}\t{found.probability:.4f}"
        for found in bundle.predict(texts, pairs, "tflm")
    ]
    assert printed[3:] == expected
    consumer = C_FOLDER / "cmake_consumer"
    found = [f"-DCMAKE_PREFIX_PATH={prefix}", "-DCOMPONENTS=tokenizer;classifier"]
    cmake("-S", consumer, "-B", tmp_path / "consumer", *flags, *found)
    cmake("--build", tmp_path / "consumer")
    text = cmake("-S", consumer, "-B", tmp_path / "none", *found, succeeds=False)
    assert "ei_bert::classifier needs EI_BERT_TFLM_TARGET" in " ".join(text.split())
