"""The classifier on this machine, with a TFLM that is given (tests/given_tflm.py)."""

import dataclasses
import pathlib
import subprocess

import numpy as np
import pytest

from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.runtimes import open_runtime
from firmware_export.blob import blob_bytes
from firmware_export.contents import Contents
from firmware_export.package import write_firmware
from firmware_export.resolver import KERNELS
from tests.given_tflm import HOST, given_include, given_libraries
from tests.real_contents import TEMPERATURE, real_contents
from tests.tiny_contents import tiny_contents

DRIVER = pathlib.Path(__file__).parents[1] / "c" / "classifier_driver.c"
NOT_READY = "no call of ei_bert_init has succeeded"
FLAGS = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion")
FLAGS += ("-fno-exceptions", "-fno-rtti", "-DTF_LITE_STATIC_MEMORY")


class Classifier:
    """The classifier of a firmware folder, in a program that tests/c has.

    Calls are kept, and all made when `answers` is asked for.
    """

    def __init__(self, firmware: pathlib.Path):
        include = [f"-isystem{folder}" for folder in given_include()]
        include += [f"-I{firmware / 'include'}", f"-I{firmware / 'src'}"]
        objects = []
        for source in [DRIVER, *sorted((firmware / "src").glob("*.c*"))]:
            objects.append(str(firmware.parent / f"{source.name}.o"))
            command = ["g++", *FLAGS] if source.suffix == ".cc" else ["cc", "-std=c99"]
            command += ["-O1", *include, "-c", str(source), "-o", objects[-1]]
            subprocess.run(command, check=True)
        self._program = firmware.parent / "classifier"
        link = ["g++", *objects, *given_libraries(HOST)]
        subprocess.run([*link, "-o", str(self._program)], check=True)

    def answers(self, *calls: str) -> list[str]:
        """A line for each call."""
        done = subprocess.run(
            [self._program],
            input="".join(f"{call}\n" for call in calls),
            capture_output=True,
            text=True,
            check=True,
        )
        found = done.stdout.splitlines()
        assert len(found) == len(calls), done.stderr
        return found


def classify(text: bytes, pair: bytes | None = None) -> str:
    """The call of that name."""
    return f"classify ={text.hex()}" + ("" if pair is None else f" ={pair.hex()}")


def compiled(contents: Contents, folder: pathlib.Path) -> Classifier:
    write_firmware(contents, folder / "firmware")
    return Classifier(folder / "firmware")


@pytest.mark.parametrize(("outputs", "pair"), [(3, False), (2, True), (1, False)])
def test_golden_vectors_are_met(tmp_path, outputs, pair):
    given_libraries(HOST)
    contents = real_contents(outputs, pair)
    arena = contents.arena_bytes
    golden = contents.golden
    one, two = (b"on", None), (b"on", b"off")
    early, ready, tested, used, *found, wrong, label, beyond = compiled(
        contents, tmp_path
    ).answers(
        *(classify(b"on"), f"init {arena} 0", "self_test", "used"),
        *(classify(vector.text, vector.pair) for vector in golden),
        classify(*(one if pair else two)),
        *(f"label {outputs - 1}", f"label {outputs}"),
    )
    assert (early, ready) == (NOT_READY, "ok")
    assert tested == f"ok,{len(golden)},0,-1,0,0,0,0,0"
    assert 0 < int(used) <= arena
    assert wrong == "a pair for a task of single texts, or none for a task of pairs"
    assert (label, beyond) == (contents.labels[-1] if contents.labels else "", "")
    unknown = sum(vector.unknown for vector in golden)
    assert unknown == (0 if outputs == 1 else 2)
    engine = open_runtime("tflm", contents.model)
    for vector, line in zip(golden, found, strict=True):
        words = line.split()
        assert [int(word) for word in words[4:]] == list(vector.logits)
        values = engine.dequantize(np.array([vector.logits], np.int8))
        if outputs == 1:
            assert words[:2] == ["-1", "0"]
            assert float(words[2]) == pytest.approx(values[0, 0], rel=1e-6)
            continue
        assert int(words[0]) == vector.label
        assert words[3] == str(int(vector.unknown))
        probability = probabilities(values, TEMPERATURE).max()
        assert float(words[1]) == pytest.approx(probability, rel=1e-5)


def test_a_wrong_golden_vector_is_reported(tmp_path):
    given_libraries(HOST)
    contents = real_contents(3, False)
    golden = list(contents.golden)
    logits = list(golden[2].logits)
    change = 5 if logits[1] < 100 else -5
    logits[1] += change
    golden[2] = dataclasses.replace(golden[2], logits=logits)
    golden[4] = dataclasses.replace(golden[4], label=(golden[4].label + 1) % 3)
    classifier = compiled(dataclasses.replace(contents, golden=golden), tmp_path)
    _, report = classifier.answers(f"init {contents.arena_bytes} 0", "self_test")
    expected = f"2,2,3,1,{logits[1]},{logits[1] - change},5"
    assert report == f"the self test found a difference,5,{expected}"


def test_what_does_not_fit_is_refused(tmp_path):
    given_libraries(HOST)
    contents, arena = real_contents(3, False), real_contents(3, False).arena_bytes
    classifier = compiled(contents, tmp_path)
    assert classifier.answers(
        *(classify(b"on"), f"init {arena - 1} 0", "init 0 0", f"init {arena} 8")
    ) == [
        *(NOT_READY, "the arena is too small", "the arena is too small"),
        "the arena's address is no multiple of 16",
    ]
    (tmp_path / "other").write_bytes(blob_bytes(real_contents(2, False, "light")))
    broken = bytearray(blob_bytes(contents))
    broken[300] ^= 1
    (tmp_path / "broken").write_bytes(broken)
    good, tested, light, bad, unready, own, again = classifier.answers(
        *(f"blob {tmp_path / 'other'} {arena}", "self_test", classify(b"light")),
        *(f"blob {tmp_path / 'broken'} {arena}", classify(b"on")),
        *(f"init {arena} 0", "self_test"),
    )
    assert (good, tested.split(",")[0], light.split()[6]) == ("ok", "ok", "0")
    assert bad == "the checksum of the blob's content is wrong"
    assert (unready, own, again.split(",")[0]) == (NOT_READY, "ok", "ok")


@pytest.mark.parametrize(
    "model",
    [b"TFL3", b"\xff" * 1000, b"\xff\xff\0\0TFL3" * 9],
    ids=["short", "erased", "root outside"],
)
def test_a_sealed_blob_with_no_model_is_refused(tmp_path, model):
    given_libraries(HOST)
    contents = real_contents(2, False)
    classifier = compiled(contents, tmp_path)
    sealed = dataclasses.replace(contents, model=model)
    (tmp_path / "sealed").write_bytes(blob_bytes(sealed))
    status, unready = classifier.answers(
        f"blob {tmp_path / 'sealed'} {contents.arena_bytes}", classify(b"on")
    )
    assert status.startswith("the model is no .tflite") and unready == NOT_READY


@pytest.mark.parametrize(
    ("name", "what"),
    [("vocabulary_data.c", "vocabulary"), ("model_data.cc", "model")],
)
def test_a_changed_byte_of_flash_is_found(tmp_path, name, what):
    given_libraries(HOST)
    contents = real_contents(2, False)
    write_firmware(contents, tmp_path / "firmware")
    source = tmp_path / "firmware" / "src" / name
    text = source.read_text()
    if what == "model":
        head, tail = text.rsplit("0x", 1)
        changed = f"{head}0x{int(tail[:2], 16) ^ 1:02x}{tail[2:]}"
    else:
        changed = text.replace("labels[] = {\n    0,", "labels[] = {\n    1,")
    assert changed != text
    source.write_text(changed)
    answers = Classifier(tmp_path / "firmware").answers(
        f"init {contents.arena_bytes} 0"
    )
    assert answers == [f"the {what}'s checksum is wrong"]


def test_every_kernel_is_registered(tmp_path):
    """The resolver of all operators that a student can have compiles."""
    include = given_include()
    every = [{"name": name, "version": 1, "types": ["int8"]} for name in KERNELS]
    write_firmware(tiny_contents(operators=every), tmp_path / "firmware")
    subprocess.run(
        ["g++", *FLAGS, "-fsyntax-only", f"-I{tmp_path / 'firmware' / 'include'}"]
        + [f"-isystem{folder}" for folder in include]
        + [str(tmp_path / "firmware" / "src" / "op_resolver.cc")],
        check=True,
    )
