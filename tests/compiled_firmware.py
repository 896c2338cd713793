"""The C sources of a firmware folder, compiled for this machine and called."""

import ctypes
import pathlib
import subprocess
from collections.abc import Sequence

WARNINGS = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pedantic",
    "-Wconversion",
)
_ALIGNMENT = 16


def compiled(
    firmware: pathlib.Path, compiler: str = "cc", flags: Sequence[str] = ()
) -> ctypes.CDLL:
    """All of `firmware/src/*.c` as one library.

    Args:
        firmware: folder that write_firmware left.
        compiler: `cc` or another C compiler.
        flags: more of them.
    """
    library = firmware.parent / f"{firmware.name}.so"
    sources = sorted(map(str, (firmware / "src").glob("*.c")))
    command = [compiler, *WARNINGS, *flags, "-O2", "-shared", "-fPIC"]
    command += [f"-I{firmware / 'include'}", *sources, "-o", str(library)]
    subprocess.run(command, check=True)
    found = ctypes.CDLL(str(library))
    found.ei_bert_status_text.restype = ctypes.c_char_p
    return found


class SelfTestReport(ctypes.Structure):
    """ei_bert_self_test_report."""

    _fields_ = [
        (name, ctypes.c_int32)
        for name in (
            "vectors",
            "different",
            "first_vector",
            "first_kind",
            "first_index",
            "expected",
            "found",
            "largest_difference",
        )
    ]


class Slot:
    """Memory that holds a blob, at a multiple of 16 or `offset` bytes behind one."""

    def __init__(self, content: bytes, offset: int = 0):
        self._memory = ctypes.create_string_buffer(len(content) + 2 * _ALIGNMENT)
        start = ctypes.addressof(self._memory)
        self.address = start + -start % _ALIGNMENT + offset
        self.bytes = len(content)
        ctypes.memmove(self.address, content, len(content))

    def flip(self, bit: int) -> None:
        byte = ctypes.c_uint8.from_address(self.address + bit // 8)
        byte.value ^= 1 << bit % 8


class Blobs:
    """ei_bert_blob_check and ei_bert_blob_select."""

    def __init__(self, library: ctypes.CDLL):
        self._check = library.ei_bert_blob_check
        self._check.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self._select = library.ei_bert_blob_select
        self._select.argtypes = [
            *[ctypes.c_void_p, ctypes.c_size_t] * 2,
            ctypes.POINTER(ctypes.c_void_p),
        ]
        self._text = library.ei_bert_status_text

    def check(self, slot: Slot, most: int | None = None) -> str:
        """What the status says, of a slot that is `most` bytes long."""
        size = slot.bytes if most is None else most
        return self._text(self._check(slot.address, size)).decode()

    def select(self, a: Slot | None, b: Slot | None) -> tuple[Slot | None, str]:
        """The slot that is chosen, and the status."""
        chosen = ctypes.c_void_p(1)
        arguments: list[int | None] = []
        for slot in (a, b):
            arguments += [slot and slot.address, slot.bytes if slot else 0]
        status = self._select(*arguments, ctypes.byref(chosen))
        found = [slot for slot in (a, b) if slot and slot.address == chosen.value]
        assert (chosen.value is None) == (status != 0) == (not found)
        return (found[0] if found else None), self._text(status).decode()
