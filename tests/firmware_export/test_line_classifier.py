"""What all examples share: lines in, answers out."""

import pathlib
import subprocess

import pytest

from tests.exported import C_FOLDER, WARNINGS, exported, small_contents

READY = "# model: ok\n# self test: ok, vectors: 7\n# arena: 1234 of 5008 bytes in use\n"
LABELS = ("no", "yes", "light \u00e9teint")


class Example:
    """The example for a computer, around a classifier without a model."""

    def __init__(self, folder: pathlib.Path, *defines: str, **changes: object):
        package = exported("cmake", folder / "package", small_contents(**changes))
        example = package / "examples" / "serial_classifier"
        self._program = folder / "example"
        sources = {
            "cc": [
                *(package / "src").glob("*.c"),
                example / "line_classifier.c",
                C_FOLDER / "fake_classifier.c",
            ],
            "g++": [example / "main.cc"],
        }
        standards = {"cc": "-std=c99", "g++": "-std=c++17"}
        for compiler, files in sources.items():
            command = [compiler, standards[compiler], *WARNINGS, *defines, "-c"]
            command += [f"-I{package / 'include'}", *map(str, files)]
            subprocess.run(command, check=True, cwd=folder)
        objects = map(str, folder.glob("*.o"))
        subprocess.run(["g++", *objects, "-o", str(self._program)], check=True)

    def run(self, lines: bytes) -> tuple[int, str]:
        done = subprocess.run([self._program], input=lines, stdout=-1, check=False)
        return done.returncode, done.stdout.decode()

    def answers(self, lines: bytes) -> list[str]:
        code, text = self.run(lines)
        assert code == 0
        assert text.startswith(READY)
        return text.removeprefix(READY).splitlines()


def test_each_line_is_answered(tmp_path):
    example = Example(tmp_path, labels=LABELS)
    lines = b"a\nab\r\nabc\r\rlonger text\nno end"
    assert example.answers(lines) == [
        "yes\t0.5000",
        "light \u00e9teint\t0.3333",
        "no\t0.2500",
        "no\t1.0000",
        "light \u00e9teint\t0.0833\tunknown",
        "no\t0.1429",
    ]
    assert example.answers(b"a\tb\n") == ["no\t0.2500"]
    assert example.answers(b"") == []
    assert example.answers(b"\xff\x00x") == ["no\t0.2500"]


def test_a_line_that_is_too_long_is_refused_and_the_next_one_answered(tmp_path):
    example = Example(tmp_path, labels=LABELS)
    assert example.answers(b"a" * 1024 + b"\n" + b"a" * 1025 + b"\nab\n") == [
        "yes\t0.0010\tunknown",
        "# the line is too long; accepted bytes: 1024",
        "light \u00e9teint\t0.3333",
    ]


def test_a_pair_stands_behind_the_tab(tmp_path):
    example = Example(tmp_path, labels=LABELS, pair=True)
    assert example.answers(b"ab\tc\nab\tc\td\nab\t\n\tab\nab\n") == [
        "no\t0.3333",
        "light \u00e9teint\t0.3333",
        "light \u00e9teint\t0.3333",
        "light \u00e9teint\t1.0000",
        "# a pair for a task of single texts, or none for a task of pairs",
    ]


def test_a_regression_prints_its_value(tmp_path):
    example = Example(tmp_path, labels=())
    values = {
        "0": "0.0000",
        "1": "1.0000",
        "-1.5": "-1.5000",
        "0.99996": "1.0000",
        "-0.99996": "-1.0000",
        "-0.00001": "0.0000",
        "-0.0001": "-0.0001",
        "3.0625": "3.0625",
        "123456.5": "123456.5000",
        "4294966900": "4294966784.0000",
        "5e9": "out of range",
        "-inf": "out of range",
        "nan": "out of range",
    }
    assert example.answers("\n".join(values).encode()) == list(values.values())


@pytest.mark.parametrize(
    ("define", "lines"),
    [
        ("-DFAKE_INIT_STATUS=EI_BERT_OPERATOR", "# model: the model has an operator"),
        (
            "-DFAKE_SELF_TEST_STATUS=EI_BERT_DIFFERENT",
            "# model: ok\n# self test: the self test found a difference: vector 6, "
            "logits at 1: -128 expected, 127 found\n# arena: 1234 of",
        ),
        (
            "-DFAKE_SELF_TEST_STATUS=EI_BERT_INFERENCE",
            "# model: ok\n# self test: a kernel of TensorFlow Lite Micro failed\n",
        ),
    ],
)
def test_what_fails_is_said_and_nothing_is_answered(tmp_path, define, lines):
    code, text = Example(tmp_path, define).run(b"a\n")
    assert code == 1
    assert text.startswith(lines)
    assert all(line.startswith("# ") for line in text.splitlines())
