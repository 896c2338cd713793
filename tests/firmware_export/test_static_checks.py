"""What compilers and checkers say of the hand-written sources."""

import pathlib
import re
import shutil
import subprocess

import pytest

from benchmarks._cortex_m import BOARDS, compile_sources
from firmware_export.package import write_firmware
from tests.compiled_firmware import WARNINGS, compiled
from tests.given_tflm import given_include
from tests.tiny_contents import tiny_contents

# MISRA C:2012 with its first two amendments: the rules that are mandatory.
MANDATORY = {
    *("9.1", "12.5", "13.6", "17.3", "17.4", "17.6", "19.1", "21.13", "21.17", "21.18"),
    *("21.19", "21.20", "22.2", "22.4", "22.5", "22.6"),
}
# The parameters of the public functions are what they are.
CHECKS = "-*,bugprone-*,clang-analyzer-*,-bugprone-easily-swappable-parameters"


@pytest.fixture(scope="module")
def firmware(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("checked") / "firmware"
    write_firmware(tiny_contents(), folder, "text")
    return folder


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def sources(firmware: pathlib.Path) -> list[str]:
    return sorted(map(str, (firmware / "src").glob("*.c")))


@pytest.mark.slow
def test_clang_warns_of_nothing(firmware):
    need("clang")
    compiled(firmware, "clang")
    command = ["clang++", "-std=c++17", *WARNINGS[1:], f"-I{firmware / 'include'}"]
    command += ["-fsyntax-only", str(firmware / "src" / "model_data.cc")]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("compiler", ["cc", "clang", "g++", "clang++"])
@pytest.mark.parametrize("place", ["", '__attribute__((section(".dtcm")))'])
def test_an_arena_is_aligned_where_it_is_placed(firmware, tmp_path, compiler, place):
    need(compiler)
    source = tmp_path / ("arena.cc" if "++" in compiler else "arena.c")
    section = f"#define EI_BERT_ARENA_SECTION {place}\n" if place else ""
    source.write_text(
        f'{section}#include "ei_bert/classifier.h"\nEI_BERT_ARENA(arena);\n'
        "int main(void) { return (int)((uintptr_t)arena % 16U); }\n"
    )
    program = tmp_path / "arena"
    command = [compiler, f"-I{firmware / 'include'}", str(source), "-o", str(program)]
    subprocess.run(command, check=True)
    subprocess.run([program], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("board", BOARDS)
def test_the_cross_compiler_warns_of_nothing(firmware, tmp_path, board):
    need("arm-none-eabi-gcc")
    assert compile_sources(firmware, tmp_path, BOARDS[board].flags)


def tidy(firmware: pathlib.Path, files: list[str], flags: list[str]) -> str:
    """What clang-tidy prints, nothing if all is well."""
    command = ["clang-tidy", "-quiet", f"-checks={CHECKS}", *files, "--", *flags]
    command += [f"-I{firmware / 'include'}", f"-I{firmware / 'src'}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.slow
def test_clang_tidy_finds_nothing(firmware):
    need("clang-tidy")
    assert tidy(firmware, sources(firmware), ["-std=c99"]) == ""


@pytest.mark.slow
def test_clang_tidy_finds_nothing_in_the_classifier(firmware):
    flags = [f"-isystem{folder}" for folder in given_include()]
    need("clang-tidy")
    source = str(firmware / "src" / "classifier.cc")
    flags += ["-std=c++17", "-DTF_LITE_STATIC_MEMORY"]
    assert tidy(firmware, [source], flags) == ""


@pytest.mark.slow
def test_no_mandatory_rule_of_misra_is_broken(firmware):
    need("cppcheck")
    command = ["cppcheck", "--addon=misra", "--std=c99", *sources(firmware)]
    command += [f"-I{firmware / 'include'}", f"-I{firmware / 'src'}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    broken = set(re.findall(r"misra-c2012-([\d.]+)", done.stderr))
    assert broken, "the addon did not run: some advisory rules are broken"
    assert not broken & MANDATORY
