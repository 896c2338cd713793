"""Builds a firmware for an emulated Cortex-M, runs it in QEMU, measures its sections.

The boards are QEMU's mps2-an386 (Cortex-M4) and mps2-an500 (Cortex-M7), their start-up
code and the tests that run there those of tests/c/cortex_m. Instructions are counted,
not cycles.
"""

import dataclasses
import pathlib
import re
import subprocess
import tempfile
from collections.abc import Sequence

from firmware_export.elf import data_object

PROGRAM = pathlib.Path(__file__).parents[1] / "tests" / "c" / "cortex_m"
_PREFIX = "arm-none-eabi-"
_WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion")
_CXX = (
    *("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"),
    "-DTF_LITE_STATIC_MEMORY",
)
_SECTIONS = ("-ffunction-sections", "-fdata-sections")
_LINKER = "-Wl,--gc-sections,-z,noexecstack,--no-warn-rwx-segments,-e0"
_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Board:
    """A core, the flags that choose it, and QEMU's board that has it."""

    flags: tuple[str, ...]
    machine: str


BOARDS = {
    "cortex-m4": Board(
        ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
        "mps2-an386",
    ),
    "cortex-m7": Board(
        ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard"),
        "mps2-an500",
    ),
}
# Without a board that is run: its sizes alone.
CORES = {name: board.flags for name, board in BOARDS.items()} | {
    "cortex-m55": ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")
}


_PARTS = {
    "tokenizer": ("tokenizer.c", "trie.c", "unicode.c"),
    "unicode_tables": ("unicode_data.c",),
    "vocabulary": ("vocabulary_data.c",),
    "blob": ("blob.c", "crc32.c"),
    "self_test": ("golden.c",),
    "task": ("task_data.c",),
    "names": ("status.c", "task.c"),
}
_PARTS_WITH_TFLM = {"classifier": ("classifier.cc", "op_resolver.cc")}


@dataclasses.dataclass(frozen=True)
class Tflm:
    """A prebuilt TFLM.

    Attributes:
        include: folders of its headers.
        libraries: static libraries.
        cmsis_nn: whether its kernels are CMSIS-NN's.
        defines: macros that it was built with and its headers look at.
    """

    include: Sequence[str]
    libraries: Sequence[str]
    cmsis_nn: bool = False
    defines: Sequence[str] = ()


def compile_sources(
    firmware: pathlib.Path,
    folder: pathlib.Path,
    flags: Sequence[str],
    optimization: str = "-Os",
    tflm: Tflm | None = None,
) -> dict[str, pathlib.Path]:
    """Objects by the name of their source; C++ only where there is a TFLM."""
    objects = {}
    sources = sorted((firmware / "src").glob("*.c*"))
    for source in sources:
        is_c = source.suffix == ".c"
        if not is_c and tflm is None and source.stem != "model_data":
            continue
        command = [f"{_PREFIX}gcc", "-std=c99"]
        if not is_c:
            command = [f"{_PREFIX}g++", *_CXX]
        command += [*flags, *_WARNINGS, *_SECTIONS, optimization, "-fstack-usage"]
        command += _include(firmware, tflm)
        objects[source.name] = folder / f"{source.name}.o"
        output = str(objects[source.name])
        subprocess.run([*command, "-c", str(source), "-o", output], check=True)
    return objects


def build(
    firmware: pathlib.Path,
    folder: pathlib.Path,
    board: Board,
    tflm: Tflm | None = None,
    sources: Sequence[pathlib.Path] = (PROGRAM / "main.c",),
    objects: Sequence[pathlib.Path] = (),
) -> pathlib.Path:
    """Links a program for a board around a firmware.

    Args:
        firmware: folder that write_firmware left.
        folder: for objects, the map and the program.
        sources: of the program, the board's own aside; they may include each other's
            headers.
        objects: linked as well.

    Raises:
        subprocess.CalledProcessError: it does not build.
    """
    compiled = compile_sources(firmware, folder, board.flags, "-Os", tflm)
    linked = [*compiled.values(), *objects]
    program = [PROGRAM / "startup.c", *sources]
    defines = []
    if tflm is not None:
        program.append(PROGRAM / "tflm_port.cc")
        defines = ["-DWITH_CLASSIFIER"]
    include = sorted({f"-I{source.parent}" for source in program})
    for source in program:
        language = ["gcc", "-std=gnu99"] if source.suffix == ".c" else ["g++"]
        command = [_PREFIX + language[0], *language[1:], *board.flags, *_SECTIONS]
        command += _CXX if language == ["g++"] else []
        command += [*_WARNINGS[:3], "-Os", *defines, *include]
        command += [*_include(firmware, tflm), "-c", str(source)]
        linked.append(folder / f"{source.name}.o")
        subprocess.run([*command, "-o", str(linked[-1])], check=True)
    binary = folder / "program.elf"
    command = [f"{_PREFIX}g++", *board.flags, "-nostartfiles", "--specs=nano.specs"]
    command += ["--specs=nosys.specs", f"-T{PROGRAM / 'link.ld'}", _LINKER]
    command += [f"-Wl,-Map={folder / 'program.map'}", *map(str, linked)]
    command += [*(tflm.libraries if tflm else ()), "-o", str(binary)]
    subprocess.run(command, check=True)
    return binary


def emulate(program: pathlib.Path, board: Board, said: bytes = b"") -> str:
    """What a program prints on a board whose serial line hears `said`.

    Raises:
        subprocess.CalledProcessError: the program exits with another status than 0.
    """
    command = ["qemu-system-arm", "-M", board.machine, "-icount", "shift=0"]
    command += ["-display", "none", "-monitor", "none", "-serial", "stdio"]
    command += ["-semihosting-config", "enable=on,target=native"]
    done = subprocess.run(
        [*command, "-kernel", str(program)],
        input=said,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_SECONDS,
    )
    printed = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, "qemu", printed)
    return printed


def run(
    firmware: pathlib.Path,
    folder: pathlib.Path,
    board: Board,
    tflm: Tflm | None = None,
) -> list[tuple[str, str]]:
    """Runs the tests of tests/c/cortex_m; the lines that they print, as (name, rest).

    Args:
        firmware: folder that write_firmware left.
        folder: for objects and the program.

    Raises:
        subprocess.CalledProcessError: it does not build, or the board found a failure.
    """
    blob = folder / "blob.o"
    image = (firmware / "ei_bert.blob").read_bytes()
    blob.write_bytes(data_object(image, "blob_image", 16, "arm"))
    program = build(firmware, folder, board, tflm, objects=[blob])
    lines = emulate(program, board).splitlines()
    pairs = [line.strip().partition(" ") for line in lines]
    return [(name, rest) for name, _, rest in pairs]


def sizes(objects: Sequence[pathlib.Path]) -> dict[str, int]:
    """`flash_bytes` and `ram_bytes` of objects, by the compiler's own `size`."""
    printed = subprocess.run(
        [f"{_PREFIX}size", *map(str, objects)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = [line.split() for line in printed.splitlines()[1:]]
    text, data, bss = (sum(int(row[column]) for row in rows) for column in range(3))
    return {"flash_bytes": text + data, "ram_bytes": data + bss}


def part_sizes(
    firmware: pathlib.Path, flags_of_core: tuple[str, ...], tflm: Tflm | None = None
) -> dict:
    """Bytes of each part, and the largest stack frames of the tokenizer.

    With the headers of a TFLM the part `classifier` too: what stands between the
    tokenizer and TFLM.
    """
    parts = _PARTS if tflm is None else _PARTS | _PARTS_WITH_TFLM
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        objects = compile_sources(firmware, folder, flags_of_core, tflm=tflm)
        found: dict = {
            part: sizes([objects[name] for name in names])
            for part, names in parts.items()
        }
        frames = {}
        for name in _PARTS["tokenizer"]:
            usage = (folder / f"{name}.su").read_text("utf-8")
            for line in usage.splitlines():
                function, size, _ = line.split("\t")
                frames[function.rsplit(":", 1)[1]] = int(size)
    # Every function of the tokenizer at once: no chain of calls takes more.
    found["tokenizer"]["stack_bytes"] = sum(frames.values())
    return found


def flash_bytes(program: pathlib.Path) -> int:
    """What a linked program puts into flash."""
    printed = subprocess.run(
        [f"{_PREFIX}size", str(program)], check=True, capture_output=True, text=True
    ).stdout
    text, data = map(int, re.findall(r"\d+", printed.splitlines()[1])[:2])
    return text + data


def version(program: str) -> str:
    """The first line that a program says of its version."""
    command = [program, "--version"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    return printed.stdout.splitlines()[0]


def _include(firmware: pathlib.Path, tflm: Tflm | None) -> list[str]:
    folders = [f"-I{firmware / 'include'}", f"-I{firmware / 'src'}"]
    if tflm is not None:
        folders += [f"-isystem{folder}" for folder in tflm.include]
        folders += ["-DEI_BERT_CMSIS_NN"] if tflm.cmsis_nn else []
        folders += [f"-D{define}" for define in tflm.defines]
    return folders
