"""The open forward pass computes what keras-nlp's own call computes."""

import numpy as np
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.teacher.backbone import load_teacher
from ei_bert_tf.teacher.forward import Dropout, forward
from ei_bert_tf.vocabulary.importance import attention_importance
from tests.make_tiny_teacher import HEADS, HIDDEN, LAYERS, write_teacher


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("teacher")
    write_teacher(path)
    return path


@pytest.fixture(scope="module")
def teacher(folder):
    return load_teacher(str(folder), 3, seed=0)


@pytest.fixture
def encoded(teacher):
    texts = ["the good day", "a very very dark house", "film", ""]
    return teacher.tokenizer.encode(texts, None, 7)


def test_equals_keras_nlp(teacher, encoded):
    inputs = (encoded.ids, encoded.mask, encoded.segment_ids)
    states = forward(teacher.backbone, *inputs)
    expected = teacher.backbone(
        {
            "token_ids": encoded.ids,
            "padding_mask": encoded.mask,
            "segment_ids": encoded.segment_ids,
        }
    )
    real = encoded.mask.astype(bool)
    np.testing.assert_allclose(
        states.layers[-1].output_state.numpy()[real],
        expected["sequence_output"].numpy()[real],
        atol=2e-5,
    )
    np.testing.assert_allclose(states.pooled, expected["pooled_output"], atol=2e-5)
    assert len(states.layers) == LAYERS
    assert states.layers[0].attention.shape == (4, HEADS, 7, 7)
    assert states.features.shape == (4, HIDDEN)


def test_the_task_needs_only_one_token_of_the_last_block(teacher, encoded):
    inputs = (encoded.ids, encoded.mask, encoded.segment_ids)
    whole = forward(teacher.backbone, *inputs)
    short = forward(teacher.backbone, *inputs, task_only=True)
    np.testing.assert_allclose(short.features, whole.features, atol=2e-6)
    np.testing.assert_allclose(short.pooled, whole.pooled, atol=2e-6)
    assert short.layers[-1].neurons.shape[1] == 1
    assert short.layers[-2].neurons.shape[1] == 7


def test_dropout_follows_its_seed(teacher, encoded):
    def pooled(seed):
        inputs = (encoded.ids, encoded.mask, encoded.segment_ids)
        return forward(teacher.backbone, *inputs, Dropout(0.5, seed)).pooled.numpy()

    np.testing.assert_array_equal(pooled([1, 2]), pooled([1, 2]))
    assert np.abs(pooled([1, 2]) - pooled([1, 3])).max() > 1e-3


def test_importance_is_all_the_attention_there_is(teacher, encoded):
    scores = attention_importance(teacher, encoded)
    states = forward(teacher.backbone, encoded.ids, encoded.mask, encoded.segment_ids)
    expected = np.zeros(len(teacher.tokenizer.pieces))
    for layer in states.layers:
        attention = layer.attention.numpy().mean(axis=1)  # [B, query, key]
        for row, length in enumerate(encoded.lengths):
            for key in range(length):
                given = attention[row, :length, key].sum()
                expected[encoded.ids[row, key]] += given / LAYERS
    np.testing.assert_allclose(scores, expected, rtol=1e-4)
    # Every token gives one unit of attention, averaged over layers and heads.
    assert scores.sum() == pytest.approx(encoded.mask.sum(), rel=1e-5)
    assert set(np.flatnonzero(scores)) == set(encoded.ids[encoded.mask > 0].tolist())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: (path / "config.json").unlink(), "config.json"),
        (lambda path: (path / "vocab.txt").unlink(), "vocab.txt"),
        (
            lambda path: (path / "tokenizer_config.json").write_text(
                '{"do_lower_case": false}'
            ),
            "cased",
        ),
        (
            lambda path: (path / "config.json").write_text('{"model_type": "gpt2"}'),
            "gpt2",
        ),
    ],
)
def test_refuses_what_is_no_uncased_bert(tmp_path, change, message):
    write_teacher(tmp_path)
    change(tmp_path)
    with pytest.raises(InputError, match=message):
        load_teacher(str(tmp_path), 2, seed=0)


def test_loads_a_saved_keras_nlp_preset(teacher, folder, tmp_path):
    from ei_bert_tf.compat import keras_nlp

    preset = tmp_path / "preset"
    teacher.backbone.save_to_preset(str(preset))
    keras_nlp.models.BertTokenizer(
        vocabulary=teacher.tokenizer.pieces, lowercase=True
    ).save_to_preset(str(preset))
    loaded = load_teacher(str(preset), 3, seed=0)
    assert loaded.tokenizer.pieces == teacher.tokenizer.pieces
    np.testing.assert_array_equal(
        loaded.backbone.token_embedding.embeddings.value.numpy(),
        teacher.backbone.token_embedding.embeddings.value.numpy(),
    )
