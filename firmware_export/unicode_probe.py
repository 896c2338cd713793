"""What the reference tokenizer makes of every code point, found by asking it.

The reference is Hugging Face `tokenizers`' BertNormalizer (clean_text, Chinese
characters, NFD, accents stripped, lower case) and BertPreTokenizer, in the version that
is pinned. Nothing is taken from another table of Unicode's.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable

import tokenizers

CODE_POINTS = 0x110000
SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)

KEEP, DROP, BARRIER, SPACE, ALONE, MARK, MAPPED = range(7)

# Two marks that NFD sorts: the first comes behind the second, whatever stands between
# unless it is no mark.
_LATE, _EARLY = "\u302f", "\u1b44"


@dataclasses.dataclass(frozen=True)
class Character:
    """What becomes of one code point.

    Attributes:
        kind: KEEP as part of a word, DROP before anything else, BARRIER (dropped, but
            marks are not sorted across it), SPACE, ALONE (a word of its own), MARK
            (part of a word, sorted by `rank` among its neighbours), or MAPPED to
            `becomes`.
        rank: of a mark, from 1; equal ranks keep their order.
        becomes: other code points, none of which is MAPPED.
    """

    kind: int
    rank: int = 0
    becomes: tuple[int, ...] = ()


def probe() -> dict[int, Character]:
    """All code points but surrogates that are not KEEP.

    Raises:
        AssertionError: the reference does something that Character can't say.
    """
    normalize, alone = _reference()
    outputs = {code: normalize(chr(code)) for code in _code_points()}
    found = {}
    marks = []
    for code, output in outputs.items():
        text = chr(code)
        bare = output.strip(" ")
        if not output:
            between = normalize(f"a{_LATE}{text}{_EARLY}")
            blocks = between == f"a{_LATE}{_EARLY}"
            found[code] = Character(BARRIER if blocks else DROP)
        elif not bare:
            found[code] = Character(SPACE)
        elif bare != text:
            found[code] = Character(MAPPED, becomes=tuple(map(ord, bare)))
        elif output != text or alone(text):
            found[code] = Character(ALONE)
        elif (
            normalize(f"a{_LATE}{text}") == f"a{text}{_LATE}"
            or normalize(f"a{text}{_EARLY}") == f"a{_EARLY}{text}"
        ):
            marks.append(code)
    found |= _ranked(marks, normalize)
    _check(found, outputs, alone)
    return found


def _reference() -> tuple[Callable[[str], str], Callable[[str], bool]]:
    """The normalization of a text, and whether a character is a word of its own."""
    pieces = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}
    tokenizer = tokenizers.BertWordPieceTokenizer(pieces, lowercase=True)
    inner = tokenizer._tokenizer

    def alone(text: str) -> bool:
        words = [word for word, _ in inner.pre_tokenizer.pre_tokenize_str(f"a{text}a")]
        return words == ["a", text, "a"]

    return inner.normalizer.normalize_str, alone


def _code_points() -> Iterable[int]:
    return (code for code in range(CODE_POINTS) if code not in SURROGATES)


def _ranked(marks: list[int], normalize: Callable[[str], str]) -> dict[int, Character]:
    """Marks with their ranks: those that change places with others, in that order."""

    def later(a: int, b: int) -> bool:
        return normalize(f"a{chr(a)}{chr(b)}") == f"a{chr(b)}{chr(a)}"

    def compare(a: int, b: int) -> int:
        return int(later(a, b)) - int(later(b, a))

    found = {}
    rank, before = 1, None
    for code in sorted(marks, key=functools.cmp_to_key(compare)):
        rank += before is not None and later(code, before)
        found[code] = Character(MARK, rank)
        before = code
    return found


def _check(
    found: dict[int, Character],
    outputs: dict[int, str],
    alone: Callable[[str], bool],
) -> None:
    """What the C code takes for granted."""
    keep = Character(KEEP)
    for code, character in found.items():
        for target in character.becomes:
            kind = found.get(target, keep).kind
            assert kind in (KEEP, ALONE, MARK), hex(code)
            # Spaces around it are what a word of its own comes to.
            spaced = outputs[code] != outputs[code].strip(" ")
            assert (kind == ALONE) == (spaced or alone(chr(target))), hex(code)
    for code in HANGUL:
        place = code - HANGUL[0]
        jamo = [0x1100 + place // 588, 0x1161 + place % 588 // 28]
        jamo += [0x11A7 + place % 28] if place % 28 else []
        assert found[code].becomes == tuple(jamo), hex(code)
