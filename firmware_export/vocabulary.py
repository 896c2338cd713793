"""The vocabulary as the trie of include/ei_bert/vocabulary.h."""

import dataclasses
import struct
import zlib
from collections.abc import Sequence

from firmware_export.contents import Contents
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


class Vocabulary:
    """The arrays of ei_bert_vocabulary.

    Args:
        pieces: the vocabulary in id order.

    Attributes:
        trie: of the pieces.
        groups: (ends, parents, last, ends_before, parents_before) of 32 nodes each.
        starts: the first node of each EI_BERT_TRIE_FAMILIES-th family.
        continuation: the node of "##", 0 if no piece begins with it.
        special: ids of the special pieces.

    Raises:
        ValueError: it is too large.
    """

    def __init__(self, pieces: Sequence[str]):
        trie = build_trie(pieces)
        first = [0, *[node + 1 for node, last in enumerate(trie.last) if last][:-1]]
        self.trie = trie
        self.groups = _groups(trie)
        self.starts = first[::FAMILIES_PER_START]
        self.continuation = 0
        if _CONTINUATION in trie.paths:
            self.continuation = trie.paths.index(_CONTINUATION)
        self.special = {piece: pieces.index(piece) for piece in SPECIAL_PIECES}

    def sections(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Labels, groups, starts and ids as a little-endian machine holds them."""
        return (
            bytes(self.trie.labels),
            b"".join(struct.pack("<3I2H", *group) for group in self.groups),
            struct.pack(f"<{len(self.starts)}H", *self.starts),
            struct.pack(f"<{len(self.trie.ids)}H", *self.trie.ids),
        )

    def crc32(self) -> int:
        """What ei_bert_trie_crc32 gives."""
        return zlib.crc32(b"".join(self.sections()))


def vocabulary_sources(contents: Contents) -> dict[str, str]:
    """Text of vocabulary_data.c by path inside the firmware folder.

    Raises:
        ValueError: the vocabulary is too large.
    """
    vocabulary = Vocabulary(contents.pieces)
    trie = vocabulary.trie
    groups = [
        f"{{0x{ends:08X}U, 0x{parents:08X}U, 0x{last:08X}U, {before}, {above}}},"
        for ends, parents, last, before, above in vocabulary.groups
    ]
    text = render(
        "vocabulary_data.c.j2",
        contents.model,
        labels=rows(trie.labels, 16),
        groups=groups,
        family_starts=rows(vocabulary.starts, 12),
        ids=rows(trie.ids or [0], 12),
        nodes=len(trie.labels),
        continuation=vocabulary.continuation,
        special=vocabulary.special,
        starts=len(vocabulary.starts),
        pieces=len(trie.ids),
    )
    return {"src/vocabulary_data.c": text}


def _groups(trie: Trie) -> list[tuple[int, int, int, int, int]]:
    found = []
    ends_before = parents_before = 0
    for start in range(0, len(trie.labels), GROUP_NODES):
        part = slice(start, start + GROUP_NODES)
        ends, parents, last = (
            _word(bits[part]) for bits in (trie.ends, trie.parents, trie.last)
        )
        found.append((ends, parents, last, ends_before, parents_before))
        ends_before += sum(trie.ends[part])
        parents_before += sum(trie.parents[part])
    return found


def _word(bits: Sequence[bool]) -> int:
    return sum(1 << place for place, bit in enumerate(bits) if bit)


def rows(numbers: Sequence[int], width: int) -> list[str]:
    """Lines of a C initializer, so many numbers each."""
    return [
        " ".join(f"{number}," for number in numbers[start : start + width])
        for start in range(0, len(numbers), width)
    ]
