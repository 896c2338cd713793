"""The phone folder's program: imported as a module, or started as a user starts it."""

import importlib.util
import os
import pathlib
import subprocess
import sys
import types

_NAME = "predict_tflite_runtime"


def load_program(folder: pathlib.Path) -> types.ModuleType:
    """The module in a phone folder, whose Classifier() is of that folder."""
    path = folder / f"{_NAME}.py"
    spec = importlib.util.spec_from_file_location(_NAME, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_phone(
    folder: pathlib.Path,
    *arguments: str | bytes,
    given: bytes = b"",
    python: str | os.PathLike[str] = sys.executable,
) -> subprocess.CompletedProcess[bytes]:
    """Runs it from another folder, with a locale that can't print what it prints."""
    return subprocess.run(
        [python, folder / f"{_NAME}.py", *arguments],
        cwd="/",
        env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0"},
        input=given,
        capture_output=True,
        check=False,
    )
