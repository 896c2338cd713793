"""The one exception for input that a user can mend."""


class InputError(ValueError):
    """Bad flag, file or data. Its message is one line: where, what was found, what
    is accepted. The programs print it and exit with status 1."""
