"""Python environments of their own, for packages that can't live in the project's.

They lie in build/environments and are made once: what one holds is part of its name.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Sequence

import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "build" / "environments"


def environment(
    name: str, requirements: Sequence[str], versions: Sequence[str] = ()
) -> pathlib.Path:
    """The interpreter of an environment with these packages, of the default index.

    Args:
        name: what its folder begins with.
        requirements: as pip takes them.
        versions: names of Pythons to try in this order; the running one if none is
            given. The test is skipped where none of them runs.
    """
    # A name on the path is not enough: version managers leave names there that only
    # print an error.
    pythons = [
        python
        for python in versions or [sys.executable]
        if shutil.which(python)
        and not subprocess.run([python, "-c", ""], capture_output=True).returncode
    ]
    if not pythons:
        pytest.skip(f"none of {', '.join(versions)} runs here")
    key = repr((pythons[0], sys.prefix, list(requirements)))
    folder = FOLDER / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    if not stamp.is_file():
        subprocess.run([pythons[0], "-m", "venv", "--clear", folder], check=True)
        install = ["-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([python, *install, *requirements], check=True)
        stamp.touch()
    return python
