"""Errors that a user can mend: reported in one line, without a traceback."""

import contextlib
import os
from collections.abc import Iterator

AnyPath = str | os.PathLike[str]


class InputError(ValueError):
    """Bad flag, file or data. Its message is one line: where, what was found, what
    is accepted. The programs print it and exit with status 1."""


@contextlib.contextmanager
def writing(path: AnyPath) -> Iterator[None]:
    """Gives an OSError of its block the path, which a failed write does not name."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
