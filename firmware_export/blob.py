"""The flashable blob of include/ei_bert/blob.h."""

import hashlib
import struct
import zlib

from firmware_export.contents import Contents
from firmware_export.golden import golden_bytes
from firmware_export.resolver import operator_list
from firmware_export.task import names_bytes, threshold_float
from firmware_export.vocabulary import Vocabulary

MAGIC = b"EIBERT\r\n"
FORMAT = 1
HEADER_BYTES = 256
LARGEST_SEQUENCE = 0xFFFFFFFF
_ALIGNMENT = 16


def blob_bytes(contents: Contents, sequence: int = 1, note: str = "") -> bytes:
    """The blob; the same contents and number give the same bytes.

    Args:
        sequence: of two valid blobs the one with the larger number runs.
        note: text for people, such as a version.

    Raises:
        ValueError: the number is none of 32 bits.
    """
    if not 0 <= sequence <= LARGEST_SEQUENCE:
        raise ValueError(f"sequence: {sequence}; 0 to {LARGEST_SEQUENCE} is accepted")
    vocabulary = Vocabulary(contents.pieces)
    operators = operator_list(contents.operators)
    parts = [
        contents.model,
        *vocabulary.sections(),
        b"".join(struct.pack("<3I", *operator) for operator in operators),
        names_bytes(contents.labels),
        golden_bytes(contents.golden),
        note.encode("utf-8"),
    ]
    content = b""
    sections = []
    for part in parts:
        content += bytes(-len(content) % _ALIGNMENT)
        sections += [HEADER_BYTES + len(content), len(part)]
        content += part
    header = struct.pack(
        f"<8s6I32s3I2f6I{len(sections)}I",
        MAGIC,
        FORMAT,
        HEADER_BYTES,
        HEADER_BYTES + len(content),
        sequence,
        zlib.crc32(content),
        contents.flags,
        hashlib.sha256(contents.model).digest(),
        contents.max_tokens,
        contents.classes,
        contents.arena_bytes,
        contents.temperature,
        threshold_float(contents.unknown_threshold),
        len(vocabulary.trie.labels),
        vocabulary.continuation,
        vocabulary.special["[UNK]"],
        vocabulary.special["[CLS]"],
        vocabulary.special["[SEP]"],
        len(contents.pieces),
        *sections,
    )
    header += bytes(HEADER_BYTES - 4 - len(header))
    return header + struct.pack("<I", zlib.crc32(header)) + content
