"""Unicode tables of the tokenizer in C, packed into runs of like code points.

usage: python -m firmware_export.unicode_tables
writes firmware_export/c/unicode/*.c anew. They are kept in the repository, because
asking the reference about a million code points takes seconds, and a test asks again.
"""

import pathlib

from firmware_export.rendering import render_plain
from firmware_export.unicode_probe import (
    ALONE,
    BARRIER,
    CODE_POINTS,
    DROP,
    HANGUL,
    KEEP,
    MAPPED,
    MARK,
    SPACE,
    SURROGATES,
    Character,
    probe,
)

FOLDER = pathlib.Path(__file__).with_name("c") / "unicode"
# Which code points each set of tables knows; words with others are [UNK].
SETS = {
    "full": [range(0, CODE_POINTS)],
    "latin": [
        range(0x0000, 0x0250),  # Latin and its supplements
        range(0x1E00, 0x1F00),  # Latin with two accents
        range(0x2000, 0x2070),  # dashes, quotation marks, spaces
        range(0x20A0, 0x20D0),  # currencies
        range(0xFEFF, 0xFF00),  # byte order mark
        range(0xFFFD, 0xFFFE),  # what broken UTF-8 becomes
    ],
    "ascii": [range(0x0000, 0x0080), range(0xFFFD, 0xFFFE)],
}
_NAMES = {
    DROP: "EI_BERT_DROP",
    BARRIER: "EI_BERT_BARRIER",
    SPACE: "EI_BERT_SPACE",
    ALONE: "EI_BERT_ALONE",
    MARK: "EI_BERT_MARK",
}
_PLANE = 0x10000
_ASCII = 0x80
# A run costs four entries of a list, so a list bridges what it does not change.
_MOST_BRIDGED = 3
_KEPT = Character(KEEP)


def tables(found: dict[int, Character], known: list[range]) -> str:
    """The C source of one set of tables.

    Args:
        found: what probe() says.
        known: the code points that the set knows.
    """
    packed = _Packed(found, known)
    code = _ASCII
    while code < CODE_POINTS:
        code = packed.add_run(code)
    plane_starts = [
        sum(first < plane * _PLANE for first, *_ in packed.runs) for plane in range(18)
    ]
    return render_plain(
        "unicode_data.c.j2",
        plane_starts=_rows(plane_starts),
        runs=[
            f"{{0x{first % _PLANE:04X}, 0x{last % _PLANE:04X}, {argument}, {kind}}},"
            for first, last, kind, argument in packed.runs
        ],
        narrow=_rows(packed.narrow or [0]),
        wide=_rows(packed.wide or [0]),
        ascii=_rows([_ascii(found.get(code, _KEPT), code) for code in range(_ASCII)]),
    )


def write_tables(folder: pathlib.Path = FOLDER) -> None:
    """Writes the source of every set."""
    found = probe()
    folder.mkdir(parents=True, exist_ok=True)
    for name, known in SETS.items():
        (folder / f"{name}.c").write_text(tables(found, known), "utf-8")


class _Packed:
    """Runs (first, last, kind, argument) and the lists that they point into."""

    def __init__(self, found: dict[int, Character], known: list[range]):
        self.runs: list[tuple[int, int, str, int]] = []
        self.narrow: list[int] = []
        self.wide: list[int] = []
        self._found = found
        self._known = known

    def add_run(self, first: int) -> int:
        """Packs what begins at `first`; returns where the next run begins."""
        character = self._at(first)
        if first in SURROGATES:
            return SURROGATES.stop
        if character == _KEPT:
            return first + 1
        if character is None:
            return self._add_alike(first, "EI_BERT_FOREIGN", 0)
        if character.kind != MAPPED:
            return self._add_alike(first, _NAMES[character.kind], character.rank)
        if first in HANGUL:
            return self._add(first, HANGUL.stop, "EI_BERT_HANGUL", 0)
        if len(character.becomes) > 1:
            place = len(self.wide)
            self.wide += [len(character.becomes), *character.becomes]
            return self._add(first, first + 1, "EI_BERT_SEQUENCE", place)
        return self._add_shift(first) or self._add_list(first)

    def _at(self, code: int) -> Character | None:
        """None for what the set does not know."""
        if not any(code in part for part in self._known):
            return None
        return self._found.get(code, _KEPT)

    def _target(self, code: int) -> int | None:
        """The one code point that another becomes, itself if it is kept."""
        character = None if code in SURROGATES else self._at(code)
        if character == _KEPT:
            return code
        if character is None or len(character.becomes) != 1:
            return None
        return character.becomes[0]

    def _add(self, first: int, stop: int, kind: str, argument: int) -> int:
        self.runs.append((first, stop - 1, kind, argument))
        return stop

    def _add_alike(self, first: int, kind: str, argument: int) -> int:
        """All that follow and are the same; surrogates, which none can be, too."""
        character, stop = self._at(first), first + 1
        while stop < _plane_end(first) and (
            stop in SURROGATES or self._at(stop) == character
        ):
            stop += 1
        return self._add(first, stop, kind, argument)

    def _add_shift(self, first: int) -> int | None:
        """A shift of each that follows, or of every second one, if it is worth it."""

        def shift(code: int) -> int | None:
            """None where the target needs a look of its own: other plane, not KEEP."""
            target = self._target(code)
            if target is None or target // _PLANE != code // _PLANE:
                return None
            settled = target >= _ASCII and (target == code or target not in self._found)
            return target - code if settled else None

        wanted = shift(first)
        if wanted is None:
            return None
        stop = first + 1
        while stop < _plane_end(first) and shift(stop) == wanted:
            stop += 1
        second = first + 1
        while (
            second + 1 < _plane_end(first)
            and shift(second) == 0
            and shift(second + 1) == wanted
        ):
            second += 2
        if max(stop, second) - first <= _MOST_BRIDGED:
            return None
        kind = "EI_BERT_SHIFT" if stop >= second else "EI_BERT_ALTERNATE"
        return self._add(first, max(stop, second), kind, wanted % _PLANE)

    def _add_list(self, first: int) -> int:
        """A list of targets; one that is kept is its own."""
        targets: list[int] = []
        changed = 0  # as far as the last one that is not its own
        for code in range(first, _plane_end(first)):
            target = self._target(code)
            if target is None or len(targets) - changed > _MOST_BRIDGED:
                break
            targets.append(target)
            if target != code:
                changed = len(targets)
        targets = targets[:changed]
        is_narrow = max(targets) < _PLANE
        place = self.narrow if is_narrow else self.wide
        kind = "EI_BERT_LIST" if is_narrow else "EI_BERT_WIDE"
        stop = self._add(first, first + changed, kind, len(place))
        place += targets
        return stop


def _plane_end(code: int) -> int:
    return (code // _PLANE + 1) * _PLANE


def _ascii(character: Character, code: int) -> int:
    if character.kind == DROP:
        return 0
    if character.kind == SPACE:
        return ord(" ")
    if character.kind == MAPPED:
        return character.becomes[0]
    return code | _ASCII if character.kind == ALONE else code


def _rows(numbers: list[int], width: int = 12) -> list[str]:
    starts = range(0, len(numbers), width)
    return [
        " ".join(f"{number}," for number in numbers[start : start + width])
        for start in starts
    ]


if __name__ == "__main__":
    write_tables()
