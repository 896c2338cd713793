"""Contents of a firmware whose model is none, for what does not run it."""

import dataclasses
from typing import Any

from firmware_export.contents import Contents, GoldenVector

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "on", "off", "##s")


def tiny_contents(**changes: Any) -> Contents:
    """A task of two classes and 8 tokens, with the fields that are given."""
    contents = Contents(
        model=bytes((37 * index + 11) % 256 for index in range(1001)),
        operators=[
            {"name": "FULLY_CONNECTED", "version": 4, "types": ["int8"]},
            {"name": "GATHER", "version": 2, "types": ["int32", "int8"]},
            {"name": "ADD", "version": 2, "types": ["int8"]},
        ],
        pieces=PIECES,
        labels=("light off", "light \u00e9teint"),
        max_tokens=8,
        pair=False,
        temperature=1.25,
        unknown_threshold=0.3,
        arena_bytes=5008,
        golden=(
            GoldenVector(b"on offs", None, (2, 5, 6, 7, 3), (3, -4), 0),
            GoldenVector(b"\xff x", None, (2, 1, 3), (-128, 127), 1, True),
        ),
    )
    return dataclasses.replace(contents, **changes)
