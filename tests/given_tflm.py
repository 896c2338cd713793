"""The TFLM that somebody gives: the project ships none.

EI_BERT_TFLM_INCLUDE: folders of headers; EI_BERT_TFLM_LIB: static libraries for this
machine, for a Cortex-M4 and for a Cortex-M7 with their FPUs, as many of them as there
are; each separated like a PATH. EI_BERT_TFLM_DEFINES: macros that they were built with
and their headers look at, separated by commas, such as TF_LITE_STRIP_ERROR_STRINGS.
"""

import os
import subprocess

import pytest

from tests.conftest import ALLOWED_SKIP

HOST = "host"
# What `readelf -A` says of a member's FPU; compilers name one architecture for both.
_CORES = {"VFPv4-D16": "cortex-m4", "FPv5/FP-D16 for ARMv8": "cortex-m7"}


def given_include() -> list[str]:
    """Folders of TFLM's headers; the test is skipped without them."""
    if "EI_BERT_TFLM_INCLUDE" not in os.environ:
        pytest.skip(ALLOWED_SKIP)
    return os.environ["EI_BERT_TFLM_INCLUDE"].split(os.pathsep)


def given_defines() -> list[str]:
    """Macros, none if nothing is said of them."""
    given = os.environ.get("EI_BERT_TFLM_DEFINES", "").split(",")
    return [name for name in given if name]


def given_libraries(machine: str) -> list[str]:
    """Libraries for HOST, `cortex-m4` or `cortex-m7`; without one a test is skipped."""
    given = os.environ.get("EI_BERT_TFLM_LIB", "").split(os.pathsep)
    found = [path for path in given if path and _machine(path) == machine]
    if not found:
        pytest.skip(ALLOWED_SKIP)
    return found


def _machine(library: str) -> str:
    command = ["readelf", "-A", library]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    tags = dict(
        line.strip().split(": ", 1)
        for line in done.stdout.splitlines()
        if line.startswith("  Tag_")
    )
    if not tags:
        return HOST
    fpu = tags.get("Tag_FP_arch", "none")
    if fpu not in _CORES:
        pytest.fail(
            f"EI_BERT_TFLM_LIB={library}: built for an Arm core with FPU {fpu!r}; "
            f"accepted: {', '.join(_CORES)}, or a library for this machine"
        )
    return _CORES[fpu]
