"""Sentences are held out with all that they contain, and others are what is left."""

from benchmarks.by_sentence import by_sentence

SENTENCES = [
    "a very long day in the old house by the river",
    "the film was good but the house of it was awful",
    "it was a bright and happy film about the very day",
]
PHRASES = ["long day in the old house", "the house of it", "bright and happy film"]


def test_a_held_out_sentence_takes_its_phrases_with_it():
    texts = [*SENTENCES, *PHRASES, "the film", "house"]
    train, held_out = by_sentence(texts, 1, 2)
    (sentence,) = held_out
    own = PHRASES[SENTENCES.index(sentence)]
    assert own in sentence
    # Phrases of less than three words are nobody's and left out.
    assert sorted(train) == sorted({*SENTENCES, *PHRASES} - {sentence, own})
    assert by_sentence(texts, 1, 2) == (train, held_out)


def test_what_two_sentences_contain_is_not_trained_on_when_one_is_held_out():
    shared = "in the old house"
    texts = [f"{one} day was very good {shared}" for one in ("this", "that", "a")]
    train, held_out = by_sentence([*texts, shared], 1, 2)
    assert sorted(train) == sorted({*texts} - {*held_out})
