"""What all programs share: parsing flags, help, and errors in one line."""

import io
import pathlib
import sys
from collections.abc import Callable, Sequence

from absl import app, flags

from ei_bert_tf.errors import InputError

TFLITE_RUNTIME = "tflite_runtime"
RUNTIMES = ("litert", "litert_reference", "tflm", "keras", TFLITE_RUNTIME)

_HELP_ARGUMENTS = frozenset({"-h", "-help", "--help", "-helpshort", "--helpshort"})


def run(
    main: Callable[[list[str]], None],
    required: Sequence[str] = (),
    positional: str | None = None,
    more_flags: Sequence[str] = (),
) -> None:
    """Runs `main` on the positional arguments and exits: 0 only when it is done.

    Args:
        main: the program; reads its flags from its module.
        required: names of flags that must be given.
        positional: what positional arguments are; None when there are none.
        more_flags: names of modules with flags of the program beside its own.
    """
    program = pathlib.Path(main.__code__.co_filename).stem
    # Whatever the locale: the texts that come out are those that went in.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")

    def parse(argv: list[str]) -> list[str]:
        # Flags may follow positional arguments; after `--` nothing is a flag.
        flags.FLAGS.set_gnu_getopt(True)
        try:
            if _asks_for_help(argv[1:]):
                print(_help(main, program, positional, more_flags))
                sys.exit(0)
            arguments = flags.FLAGS(argv)
            _refuse_missing(required)
            if len(arguments) > 1 and positional is None:
                raise InputError(
                    f"{arguments[1]!r} is not a flag; accepted: flags only, see --help"
                )
        except (flags.Error, InputError, OSError) as error:
            _complain(program, error)
            sys.exit(1)
        return arguments

    def guarded(argv: list[str]) -> int:
        try:
            main(argv[1:])
        except (InputError, OSError) as error:
            _complain(program, error)
            return 1
        return 0

    app.run(guarded, flags_parser=parse)


def check_runtime(runtime: str, tflite_runtime_python: str | None) -> None:
    """Refuses the one runtime without its Python, and that Python with another one."""
    if (runtime == TFLITE_RUNTIME) != bool(tflite_runtime_python):
        raise InputError(
            f"--runtime={runtime}, --tflite_runtime_python="
            f"{tflite_runtime_python or ''}: accepted: both --runtime={TFLITE_RUNTIME} "
            "and a Python that tflite-runtime is installed for, or neither"
        )


def _asks_for_help(arguments: Sequence[str]) -> bool:
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return not _HELP_ARGUMENTS.isdisjoint(before)


def _help(
    main: Callable,
    program: str,
    positional: str | None,
    more_flags: Sequence[str],
) -> str:
    """The program's docstring and its own flags.

    absl's own --help looks for them under the name of the script, finds none when a
    console script runs the program, and exits with status 1.
    """
    module = main.__module__
    modules = [sys.argv[0] if module == "__main__" else module, *more_flags]
    usage = f"usage: {program} [flags]" + (f" [{positional} ...]" if positional else "")
    description = (main.__globals__["__doc__"] or "").strip()
    # The first line of absl's text names the module, which the usage line has done.
    own_flags = [
        flags.FLAGS.module_help(module).strip().split("\n", 1)[1]
        for module in modules
        if flags.FLAGS.module_help(module)
    ]
    return "\n\n".join([usage, description, *own_flags])


def _refuse_missing(names: Sequence[str]) -> None:
    for name in names:
        if flags.FLAGS[name].value in (None, ""):
            raise InputError(f"--{name} is missing: {flags.FLAGS[name].help}")


def _complain(program: str, error: Exception) -> None:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        message = where + error.strerror
    else:
        message = str(error)
    print(f"{program}: {' '.join(message.split())}", file=sys.stderr)
