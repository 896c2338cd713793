"""A share of one core, by a control group of Linux."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from ei_bert_tf.errors import InputError

PERIOD_US = 100_000
# Where version 2 is mounted, alone or beside version 1, and version 1's controller.
_ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu")


@contextlib.contextmanager
def cpu_quota(share: float) -> Iterator[pathlib.Path]:
    """Makes a group whose processes together get `share` of one core.

    A process joins when its number is written to the yielded file. The group is
    removed afterwards, when its processes have to be gone.

    Raises:
        InputError: there is no controller here, or its files can't be written.
    """
    group = _new_group()
    try:
        quota_us = round(share * PERIOD_US)
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


def _new_group() -> pathlib.Path:
    """An empty group with a CPU controller."""
    for root in map(pathlib.Path, _ROOTS):
        group = root / f"ei_bert_{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / "cpu.max").exists() or (group / "cpu.cfs_quota_us").exists():
            return group
        group.rmdir()
    raise InputError(
        "a share of a core: no control group with a CPU controller can be made in "
        f"{', '.join(_ROOTS)}; root on a Linux with one is needed"
    )
