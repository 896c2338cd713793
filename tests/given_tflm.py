"""The TFLM that somebody gives: the project ships none.

EI_BERT_TFLM_INCLUDE: folders of headers; EI_BERT_TFLM_LIB: static libraries for this
machine, for a Cortex-M4 and for a Cortex-M7, as many of them as there are; each
separated like a PATH.
"""

import os
import subprocess

import pytest

from tests.conftest import ALLOWED_SKIP

HOST = "host"
# What `readelf -A` says of a member's processor.
_CORES = {"Cortex-M4": "cortex-m4", "Cortex-M7": "cortex-m7"}


def given_include() -> list[str]:
    """Folders of TFLM's headers; the test is skipped without them."""
    if "EI_BERT_TFLM_INCLUDE" not in os.environ:
        pytest.skip(ALLOWED_SKIP)
    return os.environ["EI_BERT_TFLM_INCLUDE"].split(os.pathsep)


def given_libraries(machine: str) -> list[str]:
    """Libraries for HOST, `cortex-m4` or `cortex-m7`; without one a test is skipped."""
    given = os.environ.get("EI_BERT_TFLM_LIB", "").split(os.pathsep)
    found = [path for path in given if path and _machine(path) == machine]
    if not found:
        pytest.skip(ALLOWED_SKIP)
    return found


def _machine(library: str) -> str:
    command = ["readelf", "-A", library]
    printed = subprocess.run(command, capture_output=True, text=True).stdout
    for line in printed.splitlines():
        name, _, value = line.strip().partition(": ")
        if name == "Tag_CPU_name":
            return _CORES.get(value.strip('"'), value)
    return HOST
