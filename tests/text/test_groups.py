"""Which texts belong together."""

from ei_bert_tf.task import Examples, Task
from ei_bert_tf.text.datasets import hold_out
from ei_bert_tf.text.groups import text_groups


def test_spans_of_words_go_with_the_longest_text():
    texts = [
        "a fine film",
        "fine",
        "a dull and fine play",
        "dull  and",
        "ull and",
        "a fine film",
    ]
    first, fine, second, phrase, other, equal = text_groups(texts)
    assert first == equal
    assert fine == phrase == second  # The longest text that holds "fine" is the play.
    assert len({first, second, other}) == 3


def test_numbers_have_no_gaps():
    assert sorted(text_groups(["x", "y", "x y", "z"])) == [0, 0, 0, 1]


def test_long_texts_group_with_equal_ones_only():
    long = " ".join(f"w{n}" for n in range(80))
    groups = text_groups([long, "w3 w4", long])
    assert groups[0] == groups[2] != groups[1]


def test_a_phrase_is_held_out_with_its_sentence():
    texts = []
    for number in range(40):
        texts += [f"s{number} was good", f"s{number} was", f"s{number}"]
    targets = [row // 3 % 2 for row in range(len(texts))]
    task = Task("classification", ("text",), "label", "accuracy", ("a", "b"))
    kept, held = hold_out(Examples(texts, None, targets), task, 0.2, 5, 1000)
    assert len(held) == 24
    assert not {texts[row].split()[0] for row in kept} & {
        texts[row].split()[0] for row in held
    }
