"""Folders of teachers: what is refused, and when two hold the same."""

import json

import numpy as np
import pytest
import safetensors.numpy

from ei_bert_tf.errors import InputError
from ei_bert_tf.teacher.backbone import (
    check_teacher_name,
    load_teacher,
    teacher_identity,
)
from ei_bert_tf.vocabulary.importance import attention_importance
from tests.make_tiny_teacher import vocabulary, write_teacher

_TABLE = "embeddings.word_embeddings.weight"


def with_rows(folder, rows):
    """A teacher whose embedding table has so many rows."""
    write_teacher(folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config["vocab_size"] = rows
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tensors = safetensors.numpy.load_file(folder / "model.safetensors")
    width = tensors[_TABLE].shape[1]
    tensors[_TABLE] = np.resize(tensors[_TABLE], (rows, width))
    safetensors.numpy.save_file(
        tensors, folder / "model.safetensors", metadata={"format": "pt"}
    )
    return str(folder)


def test_rows_that_pad_the_table_are_no_pieces(tmp_path):
    pieces = len(vocabulary())
    teacher = load_teacher(with_rows(tmp_path / "padded", pieces + 3), 2, seed=0)
    encoded = teacher.tokenizer.encode(["a good day", "the sad film"], None, 9)
    scores = attention_importance(teacher, encoded)
    assert scores.shape == (pieces,)
    assert set(np.flatnonzero(scores)) == set(encoded.ids[encoded.mask == 1])


def test_a_table_with_less_rows_than_pieces_is_refused(tmp_path):
    pieces = len(vocabulary())
    name = with_rows(tmp_path / "short", pieces - 1)
    with pytest.raises(InputError, match=f"{pieces} pieces .* {pieces - 1} rows"):
        load_teacher(name, 2, seed=0)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_broken_configuration_is_refused_with_its_path(tmp_path, file, text):
    write_teacher(tmp_path)
    (tmp_path / file).write_text(text, "utf-8")
    with pytest.raises(InputError, match=f"{file}: no JSON"):
        check_teacher_name(str(tmp_path))


def test_a_folder_is_known_by_what_it_holds(tmp_path):
    assert teacher_identity("builtin:minilm-l6") == "builtin:minilm-l6"
    one, other = tmp_path / "one", tmp_path / "other"
    write_teacher(one)
    write_teacher(other)
    assert teacher_identity(str(one)) == teacher_identity(str(other))
    before = teacher_identity(str(one))
    with_rows(one, len(vocabulary()) + 1)
    assert teacher_identity(str(one)) != before
