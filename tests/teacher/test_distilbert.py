"""A DistilBERT folder is read as the BERT that it is."""

import json

import numpy as np
import pytest
import safetensors.numpy

from ei_bert_tf.errors import InputError
from ei_bert_tf.teacher.backbone import check_teacher_name, load_teacher
from ei_bert_tf.teacher.forward import forward
from tests.make_tiny_teacher import write_distilbert, write_teacher


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same weights as BERT, without token types, and as DistilBERT."""
    folder = tmp_path_factory.mktemp("teachers")
    write_teacher(folder / "bert")
    tensors = safetensors.numpy.load_file(folder / "bert" / "model.safetensors")
    tensors["embeddings.token_type_embeddings.weight"] *= 0
    safetensors.numpy.save_file(
        tensors, folder / "bert" / "model.safetensors", metadata={"format": "pt"}
    )
    write_distilbert(folder / "distilbert", folder / "bert")
    return folder


def states(teacher):
    encoded = teacher.tokenizer.encode(["a good day", "awful"], ["the film", "x"], 11)
    return forward(teacher.backbone, encoded.ids, encoded.mask, encoded.segment_ids)


def test_its_states_are_those_of_the_bert(folders):
    check_teacher_name(str(folders / "distilbert"))
    bert = load_teacher(str(folders / "bert"), 2, seed=1)
    distilbert = load_teacher(str(folders / "distilbert"), 2, seed=1)
    expected, found = states(bert), states(distilbert)
    assert np.array_equal(found.features, expected.features)
    assert np.abs(expected.features).max() > 0.1
    for mine, theirs in zip(found.layers, expected.layers, strict=True):
        assert np.array_equal(mine.attention, theirs.attention)
    assert distilbert.tokenizer.pieces == bert.tokenizer.pieces


def test_the_fresh_pooler_follows_the_seed(folders):
    def pooler(seed):
        teacher = load_teacher(str(folders / "distilbert"), 2, seed)
        return teacher.backbone.pooled_dense.kernel.numpy()

    assert np.array_equal(pooler(1), pooler(1))
    assert not np.array_equal(pooler(1), pooler(2))
    assert 0.01 < pooler(1).std() < 0.03


def test_a_folder_that_lacks_a_tensor_is_refused(folders, tmp_path):
    write_distilbert(tmp_path / "broken", folders / "bert")
    file = tmp_path / "broken" / "model.safetensors"
    tensors = safetensors.numpy.load_file(file)
    del tensors["distilbert.transformer.layer.1.ffn.lin2.weight"]
    safetensors.numpy.save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"layer\.1\.ffn\.lin2\.weight"):
        load_teacher(str(tmp_path / "broken"), 2, seed=0)


def test_another_kind_of_model_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "roberta"}))
    with pytest.raises(InputError, match="'roberta'; accepted: bert, distilbert"):
        check_teacher_name(str(tmp_path))
