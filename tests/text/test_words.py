"""First pieces of the same words in two segmentations."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece
from ei_bert_tf.text.words import NO_WORD, pair_words

_CHARACTERS = [*"abcdefg#-", *("##" + character for character in "abcdefg")]
_SMALL = WordPiece([*SPECIAL_PIECES, *_CHARACTERS, "ab", "##cd"])
_LARGE = WordPiece([*SPECIAL_PIECES, "bad", *_CHARACTERS, "abc", "cage", "##defg"])


def paired(texts, pairs, tokens):
    small = _SMALL.encode(texts, pairs, tokens)
    large = _LARGE.encode(texts, pairs, tokens)
    return small, large, pair_words(small, large, _SMALL.pieces, _LARGE.pieces)


def test_words_are_paired_by_their_first_pieces():
    small, large, words = paired(["abcd bad-cage", "g"], None, 16)
    assert small.lengths.tolist() == [2 + 2 + 3 + 1 + 4, 3]
    assert large.lengths.tolist() == [2 + 2 + 1 + 1 + 1, 3]
    assert words.student.tolist() == [[0, 1, 3, 6, 7], [0, 1] + 3 * [NO_WORD]]
    assert words.teacher.tolist() == [[0, 1, 3, 4, 5], [0, 1] + 3 * [NO_WORD]]


def test_a_word_that_one_has_cut_off_is_left_out():
    _, _, words = paired(["bad cage"], None, 6)
    assert words.student.tolist() == [[0, 1, 4]]
    _, _, words = paired(["bad bad cage"], None, 6)
    assert words.student.tolist() == [[0, 1, 4]]
    assert words.teacher.tolist() == [[0, 1, 2]]


def test_a_pair_s_second_text_keeps_its_own_count():
    small, large, words = paired(["bad bad bad"], ["cage a"], 9)
    for segmentation, tokenizer, positions in (
        (small, _SMALL, words.student),
        (large, _LARGE, words.teacher),
    ):
        first = segmentation.ids[0, positions[0]]
        assert tokenizer.pieces[first[0]] == "[CLS]"
        assert segmentation.segment_ids[0, positions[0]].tolist() == sorted(
            segmentation.segment_ids[0, positions[0]]
        )
        assert {tokenizer.pieces[i][0] for i in first[1:]} <= {"b", "c", "a"}


@given(st.lists(st.text("abcdefg#- ", max_size=30), min_size=1, max_size=5))
def test_paired_pieces_begin_with_the_same_character(texts):
    small, large, words = paired(texts, None, 12)
    for row in range(len(texts)):
        known = words.student[row] != NO_WORD
        assert np.array_equal(known, words.teacher[row] != NO_WORD)
        assert known[0]
        for mine, theirs in zip(
            words.student[row][known], words.teacher[row][known], strict=True
        ):
            mine = _SMALL.pieces[small.ids[row, mine]]
            theirs = _LARGE.pieces[large.ids[row, theirs]]
            assert mine[0] == theirs[0]
            assert not mine.startswith("##") and not theirs.startswith("##")
