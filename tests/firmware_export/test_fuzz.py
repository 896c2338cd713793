"""libFuzzer on what reads bytes from outside."""

import shutil

import pytest

from tests.fuzzing import TARGETS, fuzz

SECONDS = 60


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_found(tmp_path, target):
    if shutil.which("clang") is None:
        pytest.skip("clang is not installed")
    assert fuzz(target, SECONDS, tmp_path)["executions"] > 10_000
