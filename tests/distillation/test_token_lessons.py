"""The losses of layerwise and relation: 0 where the student says what the teacher says.

B batch, T tokens, N heads, D head size, H hidden size.
"""

import dataclasses

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.token_lessons import Layerwise, Relation
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.student.slicing import Slice
from ei_bert_tf.teacher.backbone import load_teacher
from ei_bert_tf.teacher.forward import forward
from ei_bert_tf.text.words import pair_words
from tests.make_tiny_teacher import HEADS, HIDDEN, write_teacher

_TEXTS = ["the good day", "a dark house was very sad"]
_CONFIG = StudentConfig(200, 13, 3, HIDDEN, 8, HEADS, HIDDEN // HEADS, 28, HIDDEN, 2)

# Of the norms in their order.
_SHIFTS = np.arange(7) / 8


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    write_teacher(folder)
    return load_teacher(str(folder), 2, seed=0)


def lessons_and_batch(teacher, kind, texts=_TEXTS, **choices):
    """The lessons and a batch for a student that reads the teacher's own pieces."""
    encoded = teacher.tokenizer.encode(texts, None, 13)
    pieces = teacher.tokenizer.pieces
    words = pair_words(encoded, encoded, pieces, pieces)
    basis = np.eye(HIDDEN, dtype=np.float32)
    heads = [np.arange(HEADS)] * 3
    norms = [(np.ones(HIDDEN), np.full(HIDDEN, shift)) for shift in _SHIFTS]
    cut = Slice(basis, 1.0, [0, 1, 2], heads, [], norms)
    recipe = dataclasses.replace(Recipe(), **choices)
    lessons = kind(teacher, _CONFIG, recipe, cut, encoded, words)
    batch = {name: tf.constant(value) for name, value in lessons.extras.items()}
    return lessons, batch


def teacher_taps(teacher, texts=_TEXTS):
    """What a student's layers give that is the teacher itself."""
    encoded = teacher.tokenizer.encode(texts, None, 13)
    tokens = encoded.lengths.max()
    ids, mask = encoded.ids[:, :tokens], encoded.mask[:, :tokens]
    states = forward(teacher.backbone, ids, mask, np.zeros_like(ids))
    taps = {"embedding_norm_scale": states.embedding_state - _SHIFTS[0]}
    for index, layer in enumerate(states.layers):
        query = layer.query[:, :, :1] if index == 2 else layer.query
        taps[f"block_{index}_query_heads"] = query
        taps[f"block_{index}_key_heads"] = layer.key
        taps[f"block_{index}_value_heads"] = layer.value
        state = layer.output_state - _SHIFTS[2 + 2 * index]
        taps[f"block_{index}_feed_forward_norm_scale"] = state
    return taps


@pytest.mark.parametrize("kind", [Layerwise, Relation])
def test_the_teacher_itself_has_no_loss(teacher, kind):
    lessons, batch = lessons_and_batch(teacher, kind)
    taps = teacher_taps(teacher)
    assert set(lessons.taps) <= set(taps)
    assert float(lessons.loss(taps, batch)) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("kind", [Layerwise, Relation])
def test_every_tap_counts_where_a_word_begins(teacher, kind):
    lessons, batch = lessons_and_batch(teacher, kind)
    for name in lessons.taps:
        taps = teacher_taps(teacher)
        generator = np.random.default_rng(1)
        noise = generator.normal(size=taps[name].shape).astype(np.float32)
        taps[name] = taps[name] + 3 * noise
        assert float(lessons.loss(taps, batch)) > 1e-3, name


@pytest.mark.parametrize("kind", [Layerwise, Relation])
def test_padding_counts_for_nothing(teacher, kind):
    lessons, batch = lessons_and_batch(teacher, kind)
    taps = teacher_taps(teacher)
    short = len(_TEXTS[0].split()) + 2
    for name in lessons.taps:
        value = taps[name].numpy()
        axis = 2 if name.endswith("heads") else 1
        if value.shape[axis] > 1:
            np.moveaxis(value, axis, 1)[0, short:] += 7.0
        taps[name] = tf.constant(value)
    assert float(lessons.loss(taps, batch)) == pytest.approx(0.0, abs=1e-5)


def test_hidden_and_attention_have_their_own_weights(teacher):
    taps = teacher_taps(teacher)
    taps["embedding_norm_scale"] += 1.0
    taps["block_0_query_heads"] *= 2.0

    def loss(**weights):
        lessons, batch = lessons_and_batch(teacher, Layerwise, **weights)
        return float(lessons.loss(taps, batch))

    hidden = loss(hidden_weight=1.0, attention_weight=0.0)
    attention = loss(hidden_weight=0.0, attention_weight=1.0)
    assert hidden == pytest.approx(1.0, rel=1e-4)
    assert attention > 1e-3
    both = loss(hidden_weight=2.0, attention_weight=3.0)
    assert both == pytest.approx(2 * hidden + 3 * attention, rel=1e-4)


def test_a_relation_s_scale_does_not_depend_on_the_number_of_heads(teacher):
    # Relation heads are cut anew, so a student with one head of the same width sees
    # the same keys and values.
    lessons, batch = lessons_and_batch(teacher, Relation)
    joined = dataclasses.replace(_CONFIG, heads=1, head_size=HIDDEN)
    lessons.config = joined
    taps = {}
    for role in ("query", "key", "value"):
        x = teacher_taps(teacher)[f"block_2_{role}_heads"]
        x = tf.transpose(x, [0, 2, 1, 3])
        x = tf.reshape(x, [x.shape[0], 1, x.shape[1], HIDDEN])
        # A head's query carries its own scale.
        factor = (HEADS**-0.5) if role == "query" else 1.0
        taps[f"block_2_{role}_heads"] = x * factor
    assert float(lessons.loss(taps, batch)) == pytest.approx(0.0, abs=1e-5)


def test_words_that_a_text_lacks_have_no_weight(teacher):
    # The first text alone, and beside a longer one that has no loss.
    sums = []
    for texts in (_TEXTS[:1], _TEXTS):
        lessons, batch = lessons_and_batch(
            teacher, Layerwise, texts, hidden_weight=0.0, attention_weight=1.0
        )
        taps = teacher_taps(teacher, texts)
        key = taps["block_0_key_heads"].numpy()
        key[0, :, 0] += 1.0  # [CLS] of the first text.
        taps["block_0_key_heads"] = tf.constant(key)
        words = [len(text.split()) + 1 for text in texts]
        sums.append(float(lessons.loss(taps, batch)) * sum(n * n for n in words))
    assert sums[0] == pytest.approx(sums[1], rel=1e-4)
    assert sums[0] > 1e-3
