"""Random texts in which the rules of a tokenizer meet."""

import random

# Code points of one kind each, so that their rules meet in one text.
_POOLS = [
    [chr(code) for code in range(0x20, 0x7F)],
    [chr(code) for code in range(0x250)],
    [chr(code) for code in range(0x250, 0xD800)],
    [chr(code) for code in range(0xE000, 0x110000)],
    [chr(code) for code in range(0x900, 0xE00)],  # marks that are letters here
    [chr(code) for code in range(0xA000, 0xD7A4)],  # Hangul
    [chr(code) for code in range(0x1100, 0x1200)],
    [chr(code) for code in range(0x1D100, 0x1D250)],  # notes of three code points
    list("\u302f\u1b44\u0301\u0941\ud7a3\u302e\x01\u200b\u3099\u1b35\u0345"),
    ["ing", "the", "##a", " ", "[SEP]", "un", "ß", "İ", "ŉ", "a" * 40, "\n", "…"],
]


# Letters and marks whose order a tokenizer has to get right.
_SPANS = ((0x900, 0xE00), (0x1100, 0x1200), (0x1B00, 0x1B50), (0x3020, 0x30A0))
_SPANS += ((0x61, 0x7B), (0x250, 0x530), (0x1D100, 0x1D250))
CHARACTERS = [chr(code) for span in _SPANS for code in range(*span)]
# Marks of three ranks, marks that are dropped, one that blocks, what is no mark.
_MARKS = "\u302e\u302f\u1b44\u1baa\U0001d165\U0001d166\U0001d16d\u0301\u0941\x01a"


def random_text(generator: random.Random) -> bytes:
    """Characters of a few pools, sometimes with broken bytes, or bytes alone."""
    length = generator.choice([0, 1, 3, 10, 40, 130])
    if generator.random() < 0.1:
        return generator.randbytes(length)
    pools = generator.sample(_POOLS, generator.randrange(1, 4))
    text = "".join(generator.choice(generator.choice(pools)) for _ in range(length))
    encoded = text.encode("utf-8")
    if generator.random() < 0.3:
        encoded = bytes(
            generator.randrange(256) if generator.random() < 0.2 else byte
            for byte in encoded
        )
    return encoded


def random_mark_texts() -> list[str]:
    """Short texts of CHARACTERS, of marks alone, and of Hangul."""
    generator = random.Random(0)
    pools = [
        CHARACTERS,
        list(_MARKS),
        list(_MARKS),
        [chr(0xAC00 + 7 * k) for k in range(99)],
    ]
    return [
        "".join(generator.choice(pool) for _ in range(generator.randrange(1, 9)))
        for _ in range(2000)
        for pool in pools
    ]
