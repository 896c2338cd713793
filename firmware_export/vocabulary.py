"""The vocabulary as the trie of include/ei_bert/vocabulary.h."""

import dataclasses
from collections.abc import Sequence

from firmware_export.rendering import render

SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
GROUP_NODES = 32
FAMILIES_PER_START = 8  # EI_BERT_TRIE_FAMILIES
_MOST = 65535
_CONTINUATION = b"##"


@dataclasses.dataclass(frozen=True)
class Trie:
    """Nodes in breadth-first order.

    Attributes:
        labels: bytes on the way to each node; the root's is 0.
        ends, parents, last: for each node whether a piece ends there, whether it has
            children, and whether it is the last child of its parent.
        ids: of the pieces, in the order of the nodes where they end.
        paths: the bytes from the root to each node.
    """

    labels: list[int]
    ends: list[bool]
    parents: list[bool]
    last: list[bool]
    ids: list[int]
    paths: list[bytes]


def build_trie(pieces: Sequence[str]) -> Trie:
    """The trie of all pieces but the special ones, which no text contains.

    Raises:
        ValueError: there are more pieces or nodes than 65,535.
    """
    ids = {
        piece.encode("utf-8"): index
        for index, piece in enumerate(pieces)
        if piece not in SPECIAL_PIECES
    }
    children: dict[bytes, set[int]] = {b"": set()}
    for piece in ids:
        for length in range(len(piece)):
            children.setdefault(piece[:length], set()).add(piece[length])
    trie = Trie([0], [False], [bool(children[b""])], [True], [], [b""])
    for path in trie.paths:
        family = sorted(children.get(path, ()))
        for place, label in enumerate(family):
            child = path + bytes([label])
            trie.paths.append(child)
            trie.labels.append(label)
            trie.ends.append(child in ids)
            trie.parents.append(child in children)
            trie.last.append(place == len(family) - 1)
            if child in ids:
                trie.ids.append(ids[child])
    for name, count in (("pieces", len(pieces)), ("nodes", len(trie.labels))):
        if count > _MOST:
            raise ValueError(
                f"vocabulary: {count} {name}; at most {_MOST} are accepted"
            )
    return trie


def vocabulary_sources(model: bytes, pieces: Sequence[str]) -> dict[str, str]:
    """Text of vocabulary_data.c by path inside the firmware folder.

    Args:
        model: the .tflite; only its sha256 is used.
        pieces: the vocabulary in id order.

    Raises:
        ValueError: it is too large.
    """
    trie = build_trie(pieces)
    starts = [0, *[node + 1 for node, last in enumerate(trie.last) if last][:-1]]
    continuation = 0
    if _CONTINUATION in trie.paths:
        continuation = trie.paths.index(_CONTINUATION)
    special = {piece: pieces.index(piece) for piece in SPECIAL_PIECES}
    text = render(
        "vocabulary_data.c.j2",
        model,
        labels=_rows(trie.labels, 16),
        groups=_groups(trie),
        family_starts=_rows(starts[::FAMILIES_PER_START], 12),
        ids=_rows(trie.ids or [0], 12),
        nodes=len(trie.labels),
        continuation=continuation,
        special=special,
    )
    return {"src/vocabulary_data.c": text}


def _groups(trie: Trie) -> list[str]:
    rows = []
    ends_before = parents_before = 0
    for start in range(0, len(trie.labels), GROUP_NODES):
        part = slice(start, start + GROUP_NODES)
        words = [_word(bits[part]) for bits in (trie.ends, trie.parents, trie.last)]
        shown = ", ".join(f"0x{word:08X}U" for word in words)
        rows.append(f"{{{shown}, {ends_before}, {parents_before}}},")
        ends_before += sum(trie.ends[part])
        parents_before += sum(trie.parents[part])
    return rows


def _word(bits: Sequence[bool]) -> int:
    return sum(1 << place for place, bit in enumerate(bits) if bit)


def _rows(numbers: Sequence[int], width: int) -> list[str]:
    return [
        " ".join(f"{number}," for number in numbers[start : start + width])
        for start in range(0, len(numbers), width)
    ]
