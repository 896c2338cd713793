"""A relocatable ELF object that holds nothing but constant data.

Layouts and numbers: Tool Interface Standard, Executable and Linking Format (ELF)
Specification, version 1.2, and System V Application Binary Interface, chapters 4 and 5
for 64 bits; ELF for the Arm Architecture for the flags.
"""

import dataclasses
import struct

_RELOCATABLE, _CURRENT = 1, 1
_PROGBITS, _SYMTAB, _STRTAB = 1, 2, 3
_ALLOCATED = 2
_GLOBAL_OBJECT = 0x11
_LITTLE_ENDIAN = 1


@dataclasses.dataclass(frozen=True)
class _Machine:
    bits: int
    number: int
    flags: int


MACHINES = {
    "arm": _Machine(32, 40, 0x05000000),  # EABI version 5, for any float ABI
    "x86-64": _Machine(64, 62, 0),
}


def data_object(data: bytes, symbol: str, alignment: int, machine: str) -> bytes:
    """The bytes of an object file for a little-endian machine.

    It defines `const unsigned char symbol[]` and `const size_t symbol_bytes`, each in a
    read-only section of its own, `.rodata.` and the name, so that a linker script can
    place the data.

    Args:
        data: what the array holds.
        symbol: its name.
        alignment: of its address.
        machine: one of MACHINES.
    """
    kind = MACHINES[machine]
    wide = kind.bits == 64
    size = struct.pack("<Q" if wide else "<I", len(data))
    names = [symbol, f"{symbol}_bytes"]
    symbol_names = _Strings()
    symbols = [_symbol(wide, 0, 0, 0, 0)]
    for section, (name, content) in enumerate(zip(names, (data, size), strict=True), 1):
        place = symbol_names.add(name)
        symbols.append(_symbol(wide, place, _GLOBAL_OBJECT, section, len(content)))
    section_names = _Strings()
    # name, type, flags, content, link, info, alignment, entry size
    sections = [
        (f".rodata.{names[0]}", _PROGBITS, _ALLOCATED, data, 0, 0, alignment, 0),
        (f".rodata.{names[1]}", _PROGBITS, _ALLOCATED, size, 0, 0, len(size), 0),
        # A stack that need not be executable.
        (".note.GNU-stack", _PROGBITS, 0, b"", 0, 0, 1, 0),
        (".symtab", _SYMTAB, 0, b"".join(symbols), 5, 1, len(size), len(symbols[0])),
        (".strtab", _STRTAB, 0, symbol_names.content, 0, 0, 1, 0),
    ]
    places = [section_names.add(name) for name, *_ in sections]
    own_place = section_names.add(".shstrtab")
    sections.append((".shstrtab", _STRTAB, 0, section_names.content, 0, 0, 1, 0))
    places.append(own_place)
    body = bytes(64 if wide else 52)
    headers = bytes(64 if wide else 40)
    for place, (_, type_, flags, content, link, info, align, entry) in zip(
        places, sections, strict=True
    ):
        body += bytes(-len(body) % align)
        fields = (place, type_, flags, 0, len(body), len(content), link, info, align)
        headers += struct.pack("<2I4Q2I2Q" if wide else "<10I", *fields, entry)
        body += content
    body += bytes(-len(body) % 8)
    header = struct.pack(
        "<4s5B7x2HI3QI6H" if wide else "<4s5B7x2HI3II6H",
        b"\x7fELF",
        2 if wide else 1,
        _LITTLE_ENDIAN,
        _CURRENT,
        0,
        0,
        _RELOCATABLE,
        kind.number,
        _CURRENT,
        0,
        0,
        len(body),
        kind.flags,
        64 if wide else 52,
        0,
        0,
        64 if wide else 40,
        len(sections) + 1,
        len(sections),
    )
    return header + body[len(header) :] + headers


class _Strings:
    """A string table."""

    def __init__(self):
        self.content = b"\0"

    def add(self, text: str) -> int:
        place = len(self.content)
        self.content += text.encode("ascii") + b"\0"
        return place


def _symbol(wide: bool, name: int, info: int, section: int, size: int) -> bytes:
    if wide:
        return struct.pack("<I2BH2Q", name, info, 0, section, 0, size)
    return struct.pack("<3I2BH", name, 0, size, info, 0, section)
