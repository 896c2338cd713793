import pytest

from firmware_export.vocabulary import SPECIAL_PIECES, build_trie, vocabulary_sources
from tests.tiny_contents import tiny_contents

PIECES = ["[PAD]", "on", "[UNK]", "[CLS]", "one", "[SEP]", "[MASK]", "##s", "a"]


def test_nodes_are_breadth_first_and_families_sorted():
    trie = build_trie(PIECES)
    assert trie.paths == [b"", b"#", b"a", b"o", b"##", b"on", b"##s", b"one"]
    assert bytes(trie.labels) == b"\0#ao#nse"
    assert trie.ids == [8, 1, 7, 4]
    assert [path for path, end in zip(trie.paths, trie.ends, strict=True) if end] == [
        *[b"a", b"on", b"##s", b"one"]
    ]
    assert trie.last == [True, False, False, True, True, True, True, True]
    assert trie.parents == [True, True, False, True, True, True, False, False]


def test_source_names_the_special_ids():
    (text,) = vocabulary_sources(tiny_contents(pieces=PIECES)).values()
    for line in ("8, /* nodes */", '4, /* "##" */', "2, /* [UNK] */", "3, /* [CLS] */"):
        assert f"    {line}\n" in text
    assert (
        text
        == vocabulary_sources(tiny_contents(pieces=PIECES))["src/vocabulary_data.c"]
    )


def test_a_vocabulary_of_special_pieces_alone():
    (text,) = vocabulary_sources(tiny_contents(pieces=SPECIAL_PIECES)).values()
    assert "    1, /* nodes */\n" in text


def test_too_many_pieces_are_refused():
    with pytest.raises(ValueError, match=r"\d+ nodes; at most 65535"):
        build_trie(
            [
                chr(0x4E00 + index // 256) + chr(0x4E00 + index % 256)
                for index in range(64970)
            ]
        )
