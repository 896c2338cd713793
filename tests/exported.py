"""Packages of tiny contents, and the warnings under which their sources compile."""

import pathlib
import subprocess
import sys

from firmware_export.contents import Contents
from firmware_export.target import target_files, write_target
from tests.tiny_contents import tiny_contents

C_FOLDER = pathlib.Path(__file__).with_name("c")
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion")


def small_contents(**changes: object) -> Contents:
    """With small tables, which compile in no time."""
    return tiny_contents(unicode="ascii", **changes)


def exported(
    target: str,
    folder: pathlib.Path,
    contents: Contents | None = None,
    model_form: str = "hex",
) -> pathlib.Path:
    """The package, written to the folder."""
    files = target_files(contents or small_contents(), target, model_form)
    write_target(files, folder)
    return folder


def read(folder: pathlib.Path) -> dict[str, bytes]:
    """What the files of a folder hold by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def compiles(source: pathlib.Path, include: list[pathlib.Path], *flags: str) -> None:
    """Fails where a source has an error or a warning."""
    standard = "-std=c99" if source.suffix == ".c" else "-std=c++17"
    compiler = "cc" if source.suffix == ".c" else "g++"
    folders = [f"-I{folder}" for folder in include]
    command = [compiler, standard, *WARNINGS, *folders, *flags, "-fsyntax-only"]
    subprocess.run([*command, str(source)], check=True)


def main() -> None:
    """usage: python -m tests.exported TARGET FOLDER"""
    target, folder = sys.argv[1:]
    exported(target, pathlib.Path(folder))


if __name__ == "__main__":
    main()
