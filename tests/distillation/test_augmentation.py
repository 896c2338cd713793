"""Words give way to their neighbours in the teacher's table."""

import numpy as np

from ei_bert_tf.distillation.augmentation import augmented, word_neighbours
from ei_bert_tf.task import Examples

_PIECES = ["[PAD]", "good", "great", "bad", "##ly", "a", "film", "7th"]
_TABLE = np.array(
    [[9, 9], [1, 0.1], [1, 0.2], [-1, 0.3], [1, 0], [1, 0.1], [0, -1], [1, 0]],
    np.float32,
)
_ALL = np.arange(len(_PIECES))


def test_neighbours_are_the_nearest_whole_words():
    found = word_neighbours(_PIECES, _TABLE, _ALL)
    assert set(found) == {"good", "great", "bad", "film"}
    assert found["good"][0] == "great"
    assert found["great"][0] == "good"
    assert all(word not in near for word, near in found.items())
    assert all(len(near) == 3 for near in found.values())


def test_what_all_embeddings_share_does_not_count():
    shifted = word_neighbours(_PIECES, _TABLE + 50, _ALL)
    assert shifted == word_neighbours(_PIECES, _TABLE, _ALL)


def test_words_that_the_corpus_lacks_stand_in_but_do_not_give_way():
    found = word_neighbours(_PIECES, _TABLE, np.array([1, 4, 6]))
    assert found == {
        "good": ["great", "film", "bad"],
        "film": ["bad", "good", "great"],
    }
    assert word_neighbours(_PIECES, _TABLE, np.array([0, 4, 5])) == {}
    assert word_neighbours(_PIECES[:2], _TABLE[:2], np.array([0, 1])) == {}


def test_a_word_has_ten_neighbours_at_most():
    pieces = [f"word{letter}" for letter in "abcdefghijklmn"]
    table = np.random.default_rng(0).normal(size=(len(pieces), 3)).astype(np.float32)
    (near,) = word_neighbours(pieces, table, np.array([5])).values()
    mean = table - table.mean(axis=0)
    cosine = mean @ mean[5] / np.linalg.norm(mean, axis=1)
    expected = [i for i in np.argsort(-cosine) if i != 5][:10]
    assert near == [pieces[i] for i in expected]


def test_every_copy_draws_anew_and_keeps_all_but_words():
    examples = Examples(
        ["Good, GOOD film-7th!"], ["a good-ly thing"], np.array([1], np.int32)
    )
    neighbours = {"good": ["great", "fine", "nice"]}
    found = augmented(examples, neighbours, 50, 0.3, 3)
    assert len(found) == len(found.pairs) == 50
    assert len(set(found.texts)) > 8
    assert {text[-10:] for text in found.texts} == {" film-7th!"}
    assert all(pair.startswith("a ") for pair in found.pairs)
    assert (found.targets == -1).all()
    words = [word for text in found.texts for word in text[:-10].split(", ")]
    kept = sum(word.lower() == "good" for word in words)
    assert 58 <= kept <= 82
    assert augmented(examples, neighbours, 50, 0.3, 3).texts == found.texts
    assert augmented(examples, neighbours, 50, 0.3, 4).texts != found.texts


def test_regression_rows_lose_their_number():
    examples = Examples(["good"], None, np.array([0.5], np.float32))
    found = augmented(examples, {}, 2, 0.5, 0)
    assert found.texts == ["good", "good"]
    assert found.pairs is None
    assert np.isnan(found.targets).all()


def test_a_splice_goes_on_with_the_end_of_another_text():
    texts = ["one two three", "alpha beta", "x", ""]
    examples = Examples(texts, None, np.zeros(4, np.int32))
    found = augmented(examples, {}, 500, 0.0, 0, 0.5).texts
    assert found == augmented(examples, {}, 500, 0.0, 0, 0.5).texts
    ends = {" ".join(text.split()[k:]) for text in texts for k in range(4)}
    of_first = found[::4]
    same = sum(text == texts[0] for text in of_first)
    # Half are as they were; of the others the cuts at the ends leave some so.
    assert 230 <= same <= 350
    cut = [text for text in of_first if not text.startswith(texts[0])]
    assert len(cut) > 80
    for text in cut:
        rest = text.removeprefix("one").removeprefix(" two").strip()
        assert text.startswith("one") and rest in ends
    assert {"", "x", "alpha beta", "beta", "two three"} <= set(found[3::4])


def test_a_whole_text_stands_behind_a_joined_one():
    texts = ["one two", "alpha"]
    examples = Examples(texts, None, np.zeros(2, np.int32))
    found = augmented(examples, {}, 400, 0.0, 0, 0.0, 0.25).texts
    joined = [text for text in found[::2] if text != texts[0]]
    assert set(joined) == {"one two one two", "one two alpha"}
    assert 70 <= len(joined) <= 130
    assert set(augmented(examples, {}, 50, 0.0, 0, 0.0, 1.0).texts[1::2]) == {
        "alpha one two",
        "alpha alpha",
    }


def test_pairs_are_not_joined():
    examples = Examples(["a", "c"], ["e", "g"], np.zeros(2, np.int32))
    found = augmented(examples, {}, 20, 0.0, 0, 0.0, 1.0)
    assert (found.texts, found.pairs) == (["a", "c"] * 20, ["e", "g"] * 20)


def test_of_a_pair_the_second_text_is_spliced():
    examples = Examples(["a b", "c d"], ["e f", "g h"], np.zeros(2, np.int32))
    found = augmented(examples, {}, 200, 0.0, 0, 0.5)
    assert found.texts == ["a b", "c d"] * 200
    ends = ["e f", "f", "g h", "h"]
    spliced = {f"{start} {end}" for start in ("e", "e f") for end in ends}
    assert set(found.pairs[::2]) == spliced
    as_they_were = sum(pair == "e f" for pair in found.pairs[::2])
    assert 100 <= as_they_were <= 150


def test_in_half_of_the_copies_a_pair_has_one_replacement_a_word():
    near = [f"word{number}" for number in range(1000)]
    examples = Examples(["Good one"], ["one good good"], np.zeros(1, np.int32))
    found = augmented(examples, {"good": near}, 400, 1.0, 0)
    replaced = [
        (text.split()[0], *pair.split()[1:])
        for text, pair in zip(found.texts, found.pairs, strict=True)
    ]
    assert {name for names in replaced for name in names} <= set(near)
    together = sum(len(set(names)) == 1 for names in replaced)
    apart = sum(len(set(names)) == 3 for names in replaced)
    assert 160 <= together <= 240
    assert together + apart >= 395
