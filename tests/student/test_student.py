"""The student's graph, its folding and where its weights come from."""

import dataclasses

import numpy as np
import pytest

from ei_bert_tf.compat import tf
from ei_bert_tf.errors import InputError
from ei_bert_tf.recipe import (
    ATTENTION_FORMS,
    CODE_DIMENSIONS,
    Recipe,
    StudentConfig,
)
from ei_bert_tf.student.encoder import build_student
from ei_bert_tf.student.folding import fold
from ei_bert_tf.student.inheritance import (
    initial_student,
    measure_slice,
    residual_basis,
)
from ei_bert_tf.student.layers import ReciprocalRoot
from ei_bert_tf.student.sizing import choose_config, model_bytes
from ei_bert_tf.teacher.backbone import load_teacher
from ei_bert_tf.teacher.forward import forward
from tests.make_tiny_teacher import HIDDEN, write_teacher

CONFIG = StudentConfig(37, 13, 2, 12, 6, 3, 5, 14, 20, 3)


@pytest.mark.parametrize(
    ("norm", "form"), [("layer", "softmax"), ("rms", "relu"), ("affine", "softmax")]
)
@pytest.mark.parametrize("pair", [False, True])
@pytest.mark.parametrize("sets", [0, 1])
def test_folding_changes_nothing(norm, pair, sets, form):
    config = dataclasses.replace(
        CONFIG, norm=norm, pair=pair, distinct_blocks=sets, attention_form=form
    )
    student = build_student(config)
    generator = np.random.default_rng(0)
    student.set_weights(
        [
            value
            if "mask_bias" in weight.name
            else 0.3 * generator.normal(size=value.shape)
            for weight, value in zip(
                student.weights, student.get_weights(), strict=True
            )
        ]
    )
    folded = build_student(config, fixed_tokens=True, folded=True)
    fold(student, folded, config)
    ids = generator.integers(0, 37, (4, 13))
    inputs = [ids, np.ones_like(ids)] + ([ids % 2] if pair else [])
    expected = student(inputs)["logits"].numpy()
    assert expected.shape == (4, 3)
    np.testing.assert_allclose(folded(inputs)["logits"], expected, atol=1e-3)


@pytest.mark.parametrize("start", ["slice", "random"])
@pytest.mark.parametrize("form", ATTENTION_FORMS)
def test_padding_hardly_changes_the_answer(tmp_path, start, form):
    write_teacher(tmp_path)
    teacher = load_teacher(str(tmp_path), 3, seed=0)
    kept = np.arange(len(teacher.tokenizer.pieces))
    config = StudentConfig(
        len(kept), 13, 2, 16, 8, 2, 10, 20, HIDDEN, 3, attention_form=form
    )
    texts = ["the good day", "a dark house was very sad"]
    sample = teacher.tokenizer.encode(texts * 9, None, 13)
    cut = measure_slice(teacher, sample, config, seed=0)
    student = initial_student(teacher, config, kept, np.ones(len(kept)), cut, 0, start)
    ids, mask = sample.ids[:1], sample.mask[:1]
    short = int(sample.lengths[0])
    whole = student([ids, mask])["features"].numpy()
    alone = student([ids[:, :short], mask[:, :short]])["features"].numpy()
    np.testing.assert_allclose(whole, alone, atol={"softmax": 0.05, "relu": 1e-5}[form])


def test_a_full_slice_has_the_teacher_s_task_layers(tmp_path):
    write_teacher(tmp_path)
    teacher = load_teacher(str(tmp_path), 3, seed=0)
    sample = teacher.tokenizer.encode(["the good day", "a dark house"], None, 13)
    basis, energy = residual_basis(teacher, sample, HIDDEN, seed=1)
    assert energy == pytest.approx(1.0)
    np.testing.assert_allclose(basis.T @ basis, np.eye(HIDDEN), atol=1e-5)
    _, less = residual_basis(teacher, sample, 7, seed=1)
    assert less < energy


def test_the_widest_config_that_fits():
    def choose(limit):
        return choose_config(
            limit, 200, 9000, 9000, 384, 12, 1536, 0.25,
            max_tokens=64, layers=3, outputs=2, norm="layer", pair=False,
        )  # fmt: skip

    one, two = choose(1_000_000), choose(1_910_000)
    assert one.hidden_size < two.hidden_size
    for limit, config in ((1_000_000, one), (1_910_000, two)):
        assert 0.9 * limit < model_bytes(config) <= limit
    with pytest.raises(InputError, match=r"--max_model_bytes=20000.*smallest"):
        choose(20_000)


def test_pieces_come_before_the_width_of_their_embedding():
    def choose(used, share=0.25, more=0, **form):
        return choose_config(
            1_000_000, 200, used, used + more, 384, 12, 1536, share,
            max_tokens=64, layers=3, outputs=2, norm="rms", pair=False, **form,
        )  # fmt: skip

    few, some, many = choose(3000), choose(6000), choose(20_000)
    assert {shape.hidden_size for shape in (few, some, many)} == {128}
    assert (few.vocabulary_size, some.vocabulary_size) == (3000, 6000)
    assert few.embedding_size == 64
    assert many.embedding_size == 32 < some.embedding_size < 64
    assert 9000 < many.vocabulary_size < 20_000
    assert all(model_bytes(shape) <= 990_100 for shape in (some, many))
    wider = dataclasses.replace(some, embedding_size=some.embedding_size + 1)
    assert model_bytes(wider) > 990_099
    assert choose(20_000, 0.5).embedding_size == 64
    # What the texts lack has what their own pieces' width leaves.
    others = choose(6000, more=4000)
    assert others.embedding_size == some.embedding_size
    assert 6000 <= others.vocabulary_size < 6100
    assert choose(3000, more=4000).embedding_size == 64
    assert choose(3000, more=4000).vocabulary_size > 4000
    codes = choose(12_000, embedding_form="product")
    assert codes.vocabulary_size == 12_000
    assert codes.embedding_size % CODE_DIMENSIONS == 0 and codes.embedding_size > 32


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"magic": 1}, "unknown choice 'magic'"),
        ({"student_epochs": "many"}, "student_epochs is 'many'"),
        ({"teacher_epochs": 0}, "teacher_epochs is 0"),
        ({"norm": "batch"}, "norm is 'batch'"),
        ({"attention_form": "linear"}, "attention_form is 'linear'.*softmax, relu"),
        ({"embedding_share": 0.6}, "embedding_share is 0.6; above 0 and at most 0.5"),
        ({"embedding_share": 0.0}, "embedding_share is 0.0; above 0"),
    ],
)
def test_recipe_refusals(overrides, message):
    with pytest.raises(InputError, match=message):
        Recipe.preset("quick", overrides)


def test_a_variance_that_is_quantized_to_0_leaves_gradients_finite():
    layer = ReciprocalRoot()
    variance = tf.constant([[[4.0]], [[0.0]], [[0.25]]])
    with tf.GradientTape() as tape:
        tape.watch(variance)
        roots = layer(variance)
    assert roots.numpy().ravel().tolist() == [0.5, 2.0, 2.0]
    gradient = tape.gradient(roots, variance).numpy().ravel()
    np.testing.assert_allclose(gradient, [-1 / 16, 0.0, -4.0])


def test_relu_attention_starts_near_softmax(tmp_path):
    """With the gains a slice's contexts are those of the teacher's softmax, as nearly
    as one factor a head can make them; without them they are far larger."""
    write_teacher(tmp_path)
    teacher = load_teacher(str(tmp_path), 3, seed=0)
    for layer in teacher.backbone.transformer_layers:
        # Fresh weights are too small for scores that differ.
        for dense in ("query_dense", "key_dense"):
            kernel = getattr(layer._self_attention_layer, dense).kernel
            kernel.assign(20.0 * kernel.value)
    texts = ["the good day", "a dark house was very sad"]
    sample = teacher.tokenizer.encode(texts * 9, None, 13)
    heads, size = teacher.backbone.num_heads, HIDDEN // teacher.backbone.num_heads
    layers = teacher.backbone.num_layers
    config = StudentConfig(
        *(len(teacher.tokenizer.pieces), 13, layers, HIDDEN, HIDDEN, heads, size),
        *(teacher.backbone.intermediate_dim, HIDDEN, 3),
        attention_form="relu",
    )
    cut = measure_slice(teacher, sample, config, seed=0)
    states = forward(
        teacher.backbone, sample.ids, sample.mask, np.zeros_like(sample.ids)
    )
    real = sample.mask.astype(bool)
    for state, gains in zip(states.layers, cut.gains, strict=True):
        scores = np.maximum(np.einsum("bnqd,bnkd->bnqk", state.query, state.key), 0.0)
        scores = scores * sample.mask[:, None, None, :]
        context = np.einsum("bnqk,bnkd->bqnd", scores, state.value)[real]
        wanted = state.heads.numpy().reshape(*real.shape, heads, size)[real]
        for head, gain in enumerate(gains):
            x, y = context[:, head].ravel(), wanted[:, head].ravel()
            best, *_ = np.linalg.lstsq(x[:, None], y, rcond=None)
            assert gain == pytest.approx(max(best[0], 1e-3), rel=1e-3)
    kept = np.arange(len(teacher.tokenizer.pieces))
    student = initial_student(
        teacher, config, kept, np.ones(len(kept)), cut, 0, "slice"
    )
    plain = dataclasses.replace(cut, gains=None)
    other = initial_student(
        teacher, config, kept, np.ones(len(kept)), plain, 0, "slice"
    )
    columns = np.sqrt(cut.gains[0]).repeat(size)
    for name, by in (("value", columns), ("attention_output", columns[:, None])):
        one, two = (s.get_layer(f"block_0_{name}").kernel for s in (student, other))
        np.testing.assert_allclose(one, by * two.numpy(), atol=1e-7)
