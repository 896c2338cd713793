"""Keeps what C++ libraries print to standard error off the terminal."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


class StderrLog:
    """What was printed; empty until the `with` block of `captured_stderr` ends."""

    text = ""

    @property
    def summary(self) -> str:
        """The first printed line, which names the cause; what follows repeats it."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return lines[0] if lines else "no message"


@contextlib.contextmanager
def captured_stderr() -> Iterator[StderrLog]:
    """Diverts file descriptor 2 of the whole process into the yielded log.

    The interpreters write there from C++, out of reach of `sys.stderr`.
    """
    log = StderrLog()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        saved = os.dup(2)
        try:
            os.dup2(file.fileno(), 2)
            yield log
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            log.text = file.read().decode("utf-8", "replace")
