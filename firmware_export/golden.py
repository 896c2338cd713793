"""Golden vectors: the texts, and the bytes of include/ei_bert/golden.h."""

import struct
from collections.abc import Sequence

from firmware_export.contents import GoldenVector

_NO_PAIR = 0xFFFF
_NO_LABEL = 0xFFFF
_UNKNOWN = 0x8000

# One for each way in which a tokenizer goes wrong.
_TEXTS: tuple[bytes, ...] = (
    b"turn the kitchen light off",
    b"Shares FELL after the bank's results; investors didn't expect it.",
    "Crème brûlée à São Paulo, veröffentlicht in \u0130zmir".encode(),
    "e\u0301te\u0301 \u1ea4n \ufb01ne \u01c5ungla".encode(),
    "\u6771\u4eac\u306e\u5929\u6c17\u306f? \uac00\ub2e4 weather".encode(),
    "игра \u03b1\u03bb\u03c6\u03b1 \u0939\u093f\u0928\u094d\u0926\u0940".encode(),
    "great \U0001f44d\U0001f3fd \U0001f600!!".encode(),
    b"",
    b" \t\r\n",
    "no\u00a0break\u2003zero\u200bwidth\u00adsoft \u2028 line".encode(),
    b"control \x00\x01\x7f bytes",
    b"broken \xff\xc3( \xe2\x82 \xf0\x9f\x98 utf-8 \xed\xa0\x80 end",
    b"overlong \xc1\xa1 \xe0\x81\xa1 \xf0\x80\x81\xa1 beyond \xf4\x90\x80\x80 end",
    b"cut short \xe2\x82",
    b"[CLS] a literal [SEP] and ##ing",
    b"supercalifragilistic" * 8,
    b"$3.50 (50%) - a/b_c@d.e #tag it's",
)
_WORD_CHARACTERS = 100  # The longest word that is read.
_BYTES_OF_CHARACTERS = (2, 3, 4)


def golden_texts(max_tokens: int, pieces: Sequence[str]) -> list[bytes]:
    """Texts to make vectors of. In a task of pairs each comes with the one before it.

    Most words of the fixed texts are unknown to most vocabularies, and an unknown word
    hides how it was read: so `pieces`, the vocabulary, gives words that are known, with
    characters of each number of bytes. The last three are longer than the model's
    inputs, two of them of many short words, one of fewer words of several pieces.
    """
    known = [
        next((piece for piece in pieces if _is_word_of(piece, count)), "")
        for count in _BYTES_OF_CHARACTERS
    ]
    long = b"supercalifragilistic " * (max_tokens // 2 + 1)
    letters = [b"l" * count for count in (_WORD_CHARACTERS, _WORD_CHARACTERS + 1)]
    many = [b"word " * max_tokens, long, b"word " * (max_tokens + 1)]
    return [*_TEXTS, " ".join(filter(None, known)).encode(), *letters, *many]


def _is_word_of(piece: str, count: int) -> bool:
    """Whether a piece is a whole word with a character of so many bytes in UTF-8."""
    sizes = {len(character.encode()) for character in piece}
    return not piece.startswith("##") and max(sizes, default=0) == count


def golden_bytes(vectors: Sequence[GoldenVector]) -> bytes:
    """The vectors one behind the other."""
    return b"".join(map(_vector_bytes, vectors))


def _vector_bytes(vector: GoldenVector) -> bytes:
    label = _NO_LABEL if vector.label is None else vector.label
    if vector.unknown:
        label |= _UNKNOWN
    pair_bytes = _NO_PAIR if vector.pair is None else len(vector.pair)
    header = struct.pack("<4H", len(vector.text), pair_bytes, len(vector.ids), label)
    ids = struct.pack(f"<{len(vector.ids)}H", *vector.ids)
    logits = struct.pack(f"<{len(vector.logits)}b", *vector.logits)
    return header + vector.text + (vector.pair or b"") + ids + logits
