"""Published files come into one form."""

import dataclasses

import pytest

from ei_bert_tf.ablation.task_data import Part, TaskData
from ei_bert_tf.errors import InputError


def data(*evaluate, text=("a", "b")):
    train = (Part("train.tsv", renamed={"a": "first", "b": "second"}),)
    return TaskData(text, "label", train, evaluate, metric="f1", max_seq_length=32)


@pytest.fixture
def folder(tmp_path):
    rows = [b"label\tid\tfirst\tsecond", b'1\t7\tone "x"\ttwo', b"0\t8\t\xff\tx", b""]
    (tmp_path / "train.tsv").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(rows))
    bare = "7\t0.5\tuno\tdos\n8\t1.5\tun\u2028o\tx\ty\n"
    (tmp_path / "bare.txt").write_text(bare, "utf-8")
    return tmp_path


BARE = Part("bare.txt", columns={"a": 2, "b": 3, "label": 1})


def test_columns_are_found_by_name_and_by_number(folder):
    fields = data(BARE, BARE).prepare(folder, folder / "made")
    assert fields["train"].read_text("utf-8") == (
        'a\tb\tlabel\none "x"\ttwo\t1\n\ufffd\tx\t0\n'
    )
    rows = "uno\tdos\t0.5\nun\u2028o\tx\t1.5\n"
    assert fields["evaluate"].read_text("utf-8") == f"a\tb\tlabel\n{rows}{rows}"
    assert (fields["metric"], fields["max_seq_length"]) == ("f1", 32)
    assert sorted(path.name for path in (folder / "made").iterdir()) == [
        "eval.tsv",
        "train.tsv",
    ]


def test_of_texts_without_labels_the_texts_alone_are_read(folder):
    texts = (Part("bare.txt", columns={"a": 2, "b": 3}),)
    task = dataclasses.replace(data(BARE), unlabeled={"more": texts})
    fields = task.prepare(folder, folder / "made", "more")
    assert fields["unlabeled_file"] == folder / "made" / "more.tsv"
    assert fields["unlabeled_file"].read_text("utf-8") == (
        "a\tb\nuno\tdos\nun\u2028o\tx\n"
    )


def test_a_document_becomes_its_sentences(folder):
    document = "Well. It was 3.5 times too long!<br /><br />But <b>who</b> ever asked?"
    long = " ".join(["word"] * 41) + "."
    (folder / "documents.tsv").write_text(
        f"a\tid\n{document} {long}\t1\nNo more of it\t2\n"
    )
    task = data(BARE, text=("a",))
    parts = (Part("documents.tsv", sentences=True),)
    task = dataclasses.replace(task, train=(BARE,), unlabeled={"more": parts})
    fields = task.prepare(folder, folder / "made", "more")
    assert fields["unlabeled_file"].read_text("utf-8").splitlines() == [
        "a",
        "It was 3.5 times too long!",
        "But who ever asked?",
        "No more of it",
    ]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part("none.tsv"), "none.tsv: No such file"),
        (Part("train.tsv"), "no column 'a'; it has: label, id, first, second"),
        (Part("bare.txt", columns={"a": 4, "b": 3, "label": 1}), "row 1 has 4 fields"),
    ],
)
def test_what_is_missing_is_named(folder, part, said):
    with pytest.raises(InputError, match=said):
        data(part).prepare(folder, folder / "made")
