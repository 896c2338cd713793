"""--runtime=tflite_runtime: the phone folder's program behind predict and evaluate.

It runs with this environment's Python, which has ai-edge-litert for it, so that its
answers are those of the runtime litert.
"""

import json
import sys

import pytest

from tests.programs import refusal, run_program
from tests.tiny_bundle import tiny_bundle

PYTHON = f"--tflite_runtime_python={sys.executable}"
KINDS = {"single": (2, False), "pair": (3, True), "regression": (1, False)}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    for name, (outputs, pair) in KINDS.items():
        tiny_bundle(folder / name, outputs, pair)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_predict_prints_what_litert_gives(bundles, kind):
    texts = ["Turn the LIGHT off", "", "\u00e9\u4e2d lights\nthe", "\u2028\x1e off"]
    if kind == "pair":
        texts = [f"{text}\tthe light" for text in texts]
    rows = [text.encode() for text in texts]
    arguments = [f"--bundle={bundles / kind}", "--", *rows]
    wanted = run_program("predict", "--runtime=litert", *arguments)
    found = run_program("predict", "--runtime=tflite_runtime", PYTHON, *arguments)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count(b"\n") == len(rows)
    assert found.stdout == wanted.stdout


def test_evaluate_measures_it(bundles, tmp_path):
    path = tmp_path / "dev.tsv"
    rows = ["turn the light off\tlabel 0", "the the\tlabel 1", "lights\tlabel 0"]
    path.write_text("\n".join(["text\tlabel", *rows]) + "\n")
    flags = [f"--bundle={bundles / 'single'}", f"--eval_file={path}"]
    results = [
        json.loads(run_program("evaluate", *flags, *more).stdout)
        for more in ([], ["--runtime=tflite_runtime", PYTHON])
    ]
    assert results[1]["metrics"] == results[0]["metrics"]
    assert results[1]["runtime"] == "tflite_runtime"
    assert results[1]["examples"] == 3


def test_a_python_that_can_not_do_it_is_refused(bundles, tmp_path):
    flags = [f"--bundle={bundles / 'single'}", "--runtime=tflite_runtime", "a"]
    missing = refusal("predict", *flags, "--tflite_runtime_python=/no/such/python")
    assert "/no/such/python: No such file" in missing
    bare = tmp_path / "python"
    # Without site-packages there is neither tflite-runtime nor ai-edge-litert.
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    line = refusal("predict", *flags, f"--tflite_runtime_python={bare}")
    assert "no interpreter; accepted: pip install tflite-runtime" in line


def test_a_phone_folder_that_is_not_the_manifests_is_refused(bundles):
    program = bundles / "single" / "phone" / "predict_tflite_runtime.py"
    content = program.read_bytes()
    flags = [f"--bundle={bundles / 'single'}", "--runtime=tflite_runtime", PYTHON, "a"]
    try:
        program.write_bytes(content + b"\n")
        line = refusal("predict", *flags)
    finally:
        program.write_bytes(content)
    assert "predict_tflite_runtime.py is missing or not the manifest's" in line
