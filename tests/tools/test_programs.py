"""The programs as a user meets them: help, refusals, exit status."""

import subprocess
import sys
import time

import pytest

from tests.programs import ROOT, refusal, run_program
from tests.tiny_bundle import tiny_bundle

JOB = [
    "train_file",
    "eval_file",
    "test_file",
    "unlabeled_file",
    "[no]header",
    "text_columns",
    "label_column",
    "task_type",
    "metric",
    "unknown_label",
    "dataset",
    "teacher",
    "max_model_bytes",
    "max_seq_length",
    "max_arena_bytes",
    "max_flash_bytes",
    "max_macs",
    "preset",
    "recipe",
    "method",
    "student_start",
    "seed",
    "[no]resume",
]
STAGE_PROGRAMS = ("train_teacher", "prune_vocabulary", "distill", "quantize")
FLAGS = {
    "compress": [*JOB, "output_dir", "sizes"],
    **{name: [*JOB, "work_dir"] for name in STAGE_PROGRAMS},
    "ablate": ["plan", "data", "results", "work_dir", "minutes", "[no]list"],
    "benchmark": [
        *("bundle", "measure", "eval_file", "text_columns", "[no]header", "texts"),
        *("max_tokens", "rounds", "runtimes", "threads", "[no]peers"),
        *("requests", "workers"),
    ],
    "compare_reports": ["html"],
    "demo_page": ["bundle", "output_dir"],
    "evaluate": [
        *("bundle", "eval_file", "[no]header", "runtime", "tflite_runtime_python"),
    ],
    "export_firmware": [
        *("bundle", "target", "output_dir", "unicode", "model_form", "sequence"),
    ],
    "predict": [
        *("bundle", "runtime", "tflite_runtime_python", "input_file"),
        *("text_columns", "[no]header"),
    ],
}


@pytest.mark.parametrize("name", FLAGS)
def test_help_names_every_flag_and_is_quick(name):
    start = time.monotonic()
    done = run_program(name, "--help")
    seconds = time.monotonic() - start
    text = done.stdout.decode()
    assert done.returncode == 0
    assert text.startswith(f"usage: {name} [flags]")
    for flag in FLAGS[name]:
        assert f"\n  --{flag}: " in text
    # Importing TensorFlow alone takes longer on most machines.
    assert seconds < 5


def test_help_after_other_flags_still_helps():
    assert run_program("compress", "--output_dir=x", "--help").returncode == 0


@pytest.mark.parametrize("name", FLAGS)
def test_help_imports_no_tensorflow(name):
    code = f"import sys, tools.{name}; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_help_that_cant_be_written_is_one_line(monkeypatch):
    # Each line goes out at once, as to a terminal.
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tools.evaluate", "--help"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "evaluate: No space left on device\n"


def test_texts_come_out_in_utf_8_whatever_the_locale(tmp_path, monkeypatch):
    bundle = tiny_bundle(tmp_path / "out").folder
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run_program("predict", f"--bundle={bundle}", "caf\u00e9")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode("utf-8").endswith("\tcaf\u00e9\n")


@pytest.mark.parametrize("name", FLAGS)
def test_unknown_flag_is_refused(name):
    assert "no_such_flag" in refusal(name, "--no_such_flag=1")


@pytest.mark.parametrize(
    ("name", "arguments", "missing"),
    [
        ("compress", ["--dataset=builtin:bbc_news"], "--output_dir"),
        ("compress", ["--dataset=builtin:bbc_news", "--output_dir="], "--output_dir"),
        ("benchmark", ["--eval_file=dev.tsv"], "--bundle"),
        ("demo_page", ["--bundle=out"], "--output_dir"),
        ("demo_page", ["--output_dir=x"], "--bundle"),
        ("evaluate", ["--eval_file=dev.tsv"], "--bundle"),
        ("evaluate", ["--bundle=out"], "--eval_file"),
        ("export_firmware", ["--bundle=out", "--target=cmake"], "--output_dir"),
        ("export_firmware", ["--bundle=out", "--output_dir=x"], "--target"),
        ("predict", ["a text"], "--bundle"),
    ],
)
def test_missing_flag_is_refused(name, arguments, missing):
    assert f"{missing} is missing" in refusal(name, *arguments)


@pytest.mark.parametrize(
    "argument",
    [
        "--preset=slow",
        "--method=magic",
        "--student_start=middle",
        "--task_type=ranking",
        "--metric=bleu",
        "--seed=one",
        "--max_model_bytes=2MB",
        "--resume=perhaps",
    ],
)
def test_wrong_value_is_refused_by_its_flag(argument, tmp_path):
    line = refusal("compress", f"--output_dir={tmp_path / 'out'}", argument)
    assert argument.split("=")[0].lstrip("-") in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["compress", "evaluate"])
def test_stray_argument_is_refused(name):
    flags = {
        "compress": ["--output_dir=x"],
        "evaluate": ["--bundle=x", "--eval_file=x"],
    }
    assert "'train.tsv'" in refusal(name, *flags[name], "train.tsv")


def test_predict_refuses_no_text():
    assert "no text" in refusal("predict", "--bundle=x")


def test_predict_refuses_texts_beside_a_file():
    line = refusal("predict", "--bundle=x", "--input_file=a.tsv", "a text")
    assert "a.tsv" in line
    assert "a text" in line


@pytest.mark.parametrize("columns", [[], ["--text_columns=a,b,c"]])
def test_predict_refuses_wrong_number_of_columns(columns):
    line = refusal("predict", "--bundle=x", "--input_file=a.tsv", *columns)
    assert "--text_columns" in line


@pytest.mark.parametrize("flag", ["--text_columns=text", "--noheader"])
def test_predict_refuses_flags_of_a_file_without_one(flag):
    line = refusal("predict", "--bundle=x", flag, "a text")
    assert f"{flag.split('=')[0]}: not without --input_file" in line


def test_predict_refuses_missing_file(tmp_path):
    path = tmp_path / "missing.tsv"
    line = refusal(
        "predict", "--bundle=x", f"--input_file={path}", "--text_columns=text"
    )
    assert f"{path}: no such file" in line


def test_predict_refuses_two_tabs():
    assert "text 2 has 2 tabs" in refusal("predict", "--bundle=x", "a\tb", "a\tb\tc")


def test_predict_refuses_pairs_beside_single_texts():
    assert "text 2 is a pair" in refusal("predict", "--bundle=x", "a", "a\tb")


@pytest.mark.parametrize(
    "flags",
    [
        ["--runtime=tflite_runtime"],
        ["--tflite_runtime_python=python3"],
        ["--runtime=tflm", "--tflite_runtime_python=python3"],
    ],
)
@pytest.mark.parametrize("name", ["predict", "evaluate"])
def test_tflite_runtime_and_its_python_come_together(name, flags):
    more = {"predict": ["a text"], "evaluate": ["--eval_file=dev.tsv"]}
    line = refusal(name, "--bundle=x", *flags, *more[name])
    assert "--tflite_runtime_python=" in line
    assert "accepted: both" in line
