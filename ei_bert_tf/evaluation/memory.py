"""How much memory a process has, and what loading adds to it."""

import ctypes
import gc
import pathlib

_SMAPS = pathlib.Path("/proc/self/smaps_rollup")
_FIELDS = {"resident_bytes": "Rss:", "anonymous_bytes": "Anonymous:"}


def memory() -> dict[str, int]:
    """What this process has, in bytes.

    `resident_bytes` is all of it, with the pages of libraries and files, which
    processes share and the kernel may drop; `anonymous_bytes` is what was allocated.
    What is free already is given back to the kernel first.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    kilobytes = {
        line.split()[0]: int(line.split()[1])
        for line in _SMAPS.read_text("utf-8").splitlines()[1:]
    }
    return {name: 1024 * kilobytes[field] for name, field in _FIELDS.items()}


class AddedMemory:
    """What each of several steps added, by name."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, int]] = {}
        self._before = memory()

    def step(self, name: str) -> None:
        """Notes what came since the step before."""
        now = memory()
        self.steps[name] = {field: now[field] - self._before[field] for field in now}
        self._before = memory()

    def total(self) -> dict[str, int]:
        """The sum of the steps."""
        return {
            field: sum(step[field] for step in self.steps.values()) for field in _FIELDS
        }
