"""The rule of conftest.py that CI relies on, seen from outside."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

SKIPS_IN_A_TEST = """
import pytest

def test_that_skips():
    pytest.skip("no compiler")
"""
SKIPS_A_MODULE = """
import pytest

pytest.importorskip("a_package_that_is_nowhere")
"""
ALLOWED_SKIP = """
import pytest

def test_that_skips():
    pytest.skip("no TFLM library is given")
"""
EXPECTED_FAILURE = """
import pytest

@pytest.mark.xfail
def test_that_fails():
    raise ValueError
"""


def exit_status(source: str, ci: str, folder: pathlib.Path) -> int:
    """pytest's exit status on a test file beside a copy of conftest.py."""
    shutil.copy(pathlib.Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_it.py").write_text(source, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env=os.environ | {"CI": ci},
        capture_output=True,
        check=False,
    )
    return done.returncode


def test_a_skip_fails_with_ci(tmp_path):
    assert exit_status(SKIPS_IN_A_TEST, "true", tmp_path) == 1


def test_a_skipped_module_fails_with_ci(tmp_path):
    assert exit_status(SKIPS_A_MODULE, "true", tmp_path) == 2


def test_a_skip_is_no_failure_elsewhere(tmp_path):
    assert exit_status(SKIPS_IN_A_TEST, "", tmp_path) == 0


def test_a_tflm_library_that_nobody_gave_is_allowed(tmp_path):
    assert exit_status(ALLOWED_SKIP, "true", tmp_path) == 0


@pytest.mark.parametrize("ci", ["true", ""])
def test_an_expected_failure_is_no_skip(ci, tmp_path):
    assert exit_status(EXPECTED_FAILURE, ci, tmp_path) == 0
