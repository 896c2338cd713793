"""The programs of `tools/`, started as a user starts them."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]


def run_program(
    name: str, *arguments: str | bytes
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", f"tools.{name}", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )


def refusal(name: str, *arguments: str | bytes) -> str:
    """The one line with which a program refuses its arguments."""
    done = run_program(name, *arguments)
    assert done.returncode == 1
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{name}: ")
    return lines[0]
