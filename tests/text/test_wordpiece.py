import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tokenizers

from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
NASTY = [
    "",
    " \t\r\n\x0b\x0c",
    "\x00\x01a\x7fb\ufffdc",
    "[CLS] [SEP] [PAD] [UNK] [MASK] [unused0]",
    "[sep][SEP]x[SEP]",
    "Ünïcödé ÀÉÎ Straße İstanbul ﬁn",
    "e\u0301a\u0308\u0328 \u0301 alone",
    "中文字符mixed漢字カタカナ한국어",
    "\U0001f600\u200d\U0001f525 \ufe0f\u200b\u00ad\u2028",
    "\u0660\u0661 ²³ ½ № ™",
    "don't-stop...!?##ing ## #",
    "x" * 99,
    "x" * 100,
    "x" * 101,
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "\u05e9\u05c1\u05dc \u0627\u0644\u0633\u0644\u0627\u0645 \u0e20\u0e32\u0e29",
    "\u1e9e \u0130 \u03a3\u03c2 \u01c5",
]


@pytest.fixture(scope="module")
def vocabulary():
    return builtin_model_folder("minilm-l6") / "vocab.txt"


@pytest.fixture(scope="module")
def wordpiece(vocabulary):
    return WordPiece.load(vocabulary)


@pytest.fixture(scope="module")
def reference(vocabulary):
    tokenizer = tokenizers.BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    tokenizer._tokenizer.encode_special_tokens = True
    return tokenizer


def assert_equal_to_reference(wordpiece, reference, texts, pairs, max_tokens):
    reference.enable_truncation(max_tokens, strategy="longest_first")
    encoded = wordpiece.encode(texts, pairs, max_tokens)
    assert encoded.ids.shape == encoded.segment_ids.shape == (len(texts), max_tokens)
    for row, text in enumerate(texts):
        expected = reference.encode(text, None if pairs is None else pairs[row])
        count = len(expected.ids)
        assert encoded.lengths[row] == encoded.mask[row].sum() == count <= max_tokens
        assert encoded.ids[row, :count].tolist() == expected.ids
        assert encoded.segment_ids[row, :count].tolist() == expected.type_ids
        assert not encoded.ids[row, count:].any()
        assert not encoded.segment_ids[row, count:].any()


def pieces_of(wordpiece, text, pair=None, max_tokens=32):
    encoded = wordpiece.encode([text], None if pair is None else [pair], max_tokens)
    return [wordpiece.pieces[i] for i in encoded.ids[0, : encoded.lengths[0]]]


@hypothesis.given(texts=st.lists(TEXT, min_size=1, max_size=4))
def test_texts_equal_the_reference(wordpiece, reference, texts):
    assert_equal_to_reference(wordpiece, reference, texts, None, 64)


@hypothesis.given(text=TEXT, pair=TEXT, max_tokens=st.integers(3, 24))
def test_pairs_equal_the_reference(wordpiece, reference, text, pair, max_tokens):
    assert_equal_to_reference(wordpiece, reference, [text], [pair], max_tokens)


@pytest.mark.parametrize("max_tokens", [4, 16, 128])
def test_nasty_texts_equal_the_reference(wordpiece, reference, max_tokens):
    assert_equal_to_reference(wordpiece, reference, NASTY, None, max_tokens)
    assert_equal_to_reference(wordpiece, reference, NASTY, NASTY[::-1], max_tokens)


def test_known_pieces(wordpiece):
    assert pieces_of(wordpiece, "Café unaffable, 中!") == (
        ["[CLS]", "cafe", "una", "##ffa", "##ble", ",", "中", "!", "[SEP]"]
    )


def test_literal_special_piece_is_text(wordpiece):
    assert pieces_of(wordpiece, "a [SEP] b") == (
        ["[CLS]", "a", "[", "sep", "]", "b", "[SEP]"]
    )


def test_word_over_one_hundred_characters_is_unknown(wordpiece):
    assert "[UNK]" not in pieces_of(wordpiece, "x" * 100, max_tokens=128)
    assert pieces_of(wordpiece, "x" * 101) == ["[CLS]", "[UNK]", "[SEP]"]


def test_empty_text_is_two_tokens(wordpiece):
    assert pieces_of(wordpiece, "") == ["[CLS]", "[SEP]"]


def test_longest_text_of_a_pair_is_cut_first(wordpiece):
    pieces = pieces_of(wordpiece, "one two three four five six", "cat dog", 8)
    assert pieces == (["[CLS]", "one", "two", "three", "[SEP]", "cat", "dog", "[SEP]"])


def test_segments_of_a_pair(wordpiece):
    encoded = wordpiece.encode(["one two"], ["cat"], 8)
    assert encoded.segment_ids.tolist() == [[0, 0, 0, 0, 1, 1, 0, 0]]
    assert encoded.mask.tolist() == [[1, 1, 1, 1, 1, 1, 0, 0]]
    assert encoded.ids.dtype == encoded.segment_ids.dtype == np.int32


def test_take_chooses_rows(wordpiece):
    encoded = wordpiece.encode(["one", "two three", ""], None, 8)
    taken = encoded.take(np.array([2, 0]))
    assert len(taken) == 2
    assert taken.lengths.tolist() == [2, 3]
    assert taken.ids.tolist() == encoded.ids[[2, 0]].tolist()


def test_saved_vocabulary_is_the_same(wordpiece, vocabulary, tmp_path):
    wordpiece.save(tmp_path / "vocab.txt")
    assert (tmp_path / "vocab.txt").read_bytes() == vocabulary.read_bytes()


def test_carriage_returns_are_no_part_of_a_piece(tmp_path):
    content = "\r\n".join([*SPECIAL_PIECES, "a"]).encode()
    (tmp_path / "vocab.txt").write_bytes(content)
    assert WordPiece.load(tmp_path / "vocab.txt").pieces == [*SPECIAL_PIECES, "a"]


def test_repeated_piece_is_refused():
    with pytest.raises(ValueError, match="piece 'a' stands in it twice"):
        WordPiece([*SPECIAL_PIECES, "a", "a"])


@pytest.mark.parametrize("piece", SPECIAL_PIECES)
def test_missing_special_piece_is_refused(piece):
    pieces = [other for other in SPECIAL_PIECES if other != piece]
    with pytest.raises(ValueError, match=rf"lacks \{piece}"):
        WordPiece(pieces)


def test_padding_that_is_not_zero_is_refused():
    with pytest.raises(ValueError, match=r"\[PAD\] is id 5, not 0"):
        WordPiece([*SPECIAL_PIECES[1:], "a", "[PAD]"])


def test_half_a_surrogate_pair_is_the_replacement_character(wordpiece):
    broken, mended = (
        wordpiece.encode([f"a{x}b"], [f"{x} c"], 9).ids for x in ("\ud800", "\ufffd")
    )
    np.testing.assert_array_equal(broken, mended)


def test_more_texts_than_are_encoded_at_once_stay_in_order(wordpiece):
    texts = [("good", "bad day", "")[n % 3] for n in range(4099)]
    encoded = wordpiece.encode(texts, None, 6)
    first = wordpiece.encode(texts[:3], None, 6)
    np.testing.assert_array_equal(encoded.ids, first.ids[np.arange(4099) % 3])


def test_texts_and_pairs_of_different_number_are_refused(wordpiece):
    with pytest.raises(ValueError, match="shorter"):
        wordpiece.encode(["a", "b"], ["a"], 8)


def test_a_segmentation_counts_tokens_and_unknown_ones():
    tokenizer = WordPiece([*SPECIAL_PIECES, "a", "##b"])
    encoded = tokenizer.encode(["ab a", "c"], None, 9)
    # [CLS] a ##b a [SEP], [CLS] [UNK] [SEP]
    assert tokenizer.segmentation(encoded) == {
        "mean_tokens": 4.0,
        "unknown_share": 1 / 8,
    }
