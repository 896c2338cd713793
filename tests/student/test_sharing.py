"""Blocks that share kernels, and embeddings made of codebooks: graph, file, start."""

import dataclasses

import numpy as np
import pytest

from ei_bert_tf.compression.quantization import quantize_student
from ei_bert_tf.compression.sensitivity import quantized_logits
from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.int8 import convert
from ei_bert_tf.conversion.layer_outputs import layer_outputs
from ei_bert_tf.conversion.parts import part_bytes
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.parity import operator_differences
from ei_bert_tf.evaluation.runtimes import RUNTIMES, open_runtime
from ei_bert_tf.preparation import untrained_model
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.student.codebooks import product_codes
from ei_bert_tf.student.encoder import BLOCK_DENSE, build_student, student_inputs
from ei_bert_tf.student.inheritance import initial_student, measure_slice
from ei_bert_tf.student.sizing import choose_config, model_bytes, piece_bytes
from ei_bert_tf.teacher.backbone import load_teacher
from ei_bert_tf.text.wordpiece import Encoded
from tests.make_tiny_teacher import HIDDEN, write_teacher

# Blocks 0 and 1 share, block 2 has its own.
CONFIG = StudentConfig(
    vocabulary_size=300,
    max_tokens=13,
    layers=3,
    hidden_size=12,
    embedding_size=8,
    heads=2,
    head_size=5,
    feed_forward_size=14,
    task_size=20,
    outputs=3,
    distinct_blocks=2,
    embedding_form="product",
)


@pytest.fixture(scope="module")
def quantized():
    student = build_student(CONFIG, fixed_tokens=True, folded=True)
    generator = np.random.default_rng(0)
    for weight in student.trainable_weights:
        weight.assign(0.3 * generator.normal(size=weight.shape))
    found = quantize_student(student)
    ids = generator.integers(0, CONFIG.vocabulary_size, (4, CONFIG.max_tokens))
    batch = {"ids": ids.astype(np.int32), "mask": np.ones_like(ids, np.int32)}
    found(student_inputs(CONFIG, batch), training=True)
    return student, found, batch


@pytest.fixture(scope="module")
def model(quantized):
    return convert(quantized[1], CONFIG)


def kernels_by_buffer(model):
    """For each block and role the buffer and the values of the kernel in the file."""
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    found = {}
    for operator in graph.operators:
        if flatbuffer.operator_name(parsed, operator) != "FULLY_CONNECTED":
            continue
        weight = graph.tensors[operator.inputs[1]]
        if flatbuffer.is_constant(parsed, weight):
            name = flatbuffer.tensor_name(graph.tensors[operator.outputs[0]])
            values = parsed.buffers[weight.buffer].data.view(np.int8)
            scales = weight.quantization.scale
            found[name] = weight.buffer, values.reshape(weight.shape), scales
    return found


def test_the_file_holds_a_shared_kernel_once(model):
    buffers = {}
    for name, (buffer, _, _) in kernels_by_buffer(model).items():
        for role in BLOCK_DENSE:
            for block in range(3):
                if name == f"block_{block}_{role}":
                    buffers[block, role] = buffer
    assert len(buffers) == 3 * len(BLOCK_DENSE)
    for role in BLOCK_DENSE:
        assert buffers[0, role] == buffers[1, role] != buffers[2, role]
    assert len(set(buffers.values())) == 2 * len(BLOCK_DENSE)


def test_its_integers_are_those_of_the_training(quantized, model):
    kernel = quantized[0].get_layer("shared_0_feed_forward").get_weights()[0]
    found = [
        (values, scales)
        for name, (_, values, scales) in kernels_by_buffer(model).items()
        if name == "block_1_feed_forward"
    ]
    ((values, scales),) = found
    assert len(scales) == 1
    assert scales[0] == pytest.approx(np.abs(kernel).max() / 127, rel=1e-6)
    np.testing.assert_array_equal(values, np.rint(kernel.T / scales[0]))


def test_each_use_has_its_own_range(model):
    outputs = layer_outputs(model)
    scales = [outputs[f"block_{index}_feed_forward"].scale for index in (0, 1)]
    assert scales[0] != scales[1]


def test_the_codes_are_in_the_file_as_they_are(quantized, model):
    codes, books = quantized[0].get_layer("embedding").get_weights()[::-1]
    parsed = flatbuffer.parse_model(model)
    found = [buffer.data for buffer in parsed.buffers]
    buffers = {bytes(data) for data in found if data is not None}
    assert codes.dtype == np.int8 and codes.shape == (300, 2)
    assert codes.tobytes() in buffers
    scale = np.abs(books).max() / 127
    assert np.rint(books / scale).astype(np.int8).tobytes() in buffers
    assert part_bytes(model)["embedding"] >= codes.size + books.size


def test_engines_look_the_same_rows_up(quantized, model):
    ids = quantized[2]["ids"]
    lengths = np.full(len(ids), CONFIG.max_tokens, np.int32)
    encoded = Encoded(ids, lengths, np.zeros_like(ids))
    differences = {d["op"]: d for d in operator_differences(model, encoded)}
    assert {"CAST", "GATHER"} <= set(differences)
    for name in ("CAST", "GATHER"):
        assert differences[name]["max_steps"] == 0
    # What the training simulates, but for roundings that add up over the blocks.
    expected = quantized[1](student_inputs(CONFIG, quantized[2]))["logits"].numpy()
    for name in RUNTIMES:
        engine = open_runtime(name, model)
        found = engine.dequantize(engine.logits(encoded))
        assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_modules_can_be_quantized_alone(quantized):
    student, _, batch = quantized
    ranges = {layer.name: (-4.0, 4.0) for layer in student.layers}
    inputs = {name: batch[name] for name in ("ids", "mask")}
    exact = quantized_logits(student, (), ranges, inputs).numpy()
    expected = student(student_inputs(CONFIG, batch))["logits"].numpy()
    np.testing.assert_allclose(exact, expected, atol=1e-5)
    shared = quantized_logits(student, ("shared_0_query",), ranges, inputs).numpy()
    assert np.abs(shared - exact).max() > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"distinct_blocks": 1, "embedding_form": "table"},
        {"distinct_blocks": 2, "layers": 4, "norm": "affine", "hidden_size": 20},
        {"distinct_blocks": 0, "pair": True, "vocabulary_size": 200},
    ],
)
@pytest.mark.slow
def test_the_predicted_bytes_are_the_file_s(changes):
    config = dataclasses.replace(CONFIG, **changes)
    size = len(untrained_model(config, 0))
    assert model_bytes(config) == pytest.approx(size, rel=0.02)


def test_few_different_rows_are_coded_exactly():
    rows = np.random.default_rng(1).normal(size=(250, 8))
    table = np.repeat(rows, 2, axis=0)
    codes, books = product_codes(table, np.arange(500) + 1.0, seed=0)
    starts = np.arange(2) * 256 + 128
    found = books[codes.astype(int) + starts].reshape(500, 8)
    # 250 different rows, 256 entries: what the first draw missed takes empty ones.
    assert np.abs(found - table).max() < 1e-6


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    write_teacher(folder)
    return load_teacher(str(folder), 3, seed=0)


def test_a_shared_start_is_that_of_one_block_in_each_place(teacher):
    kept = np.arange(len(teacher.tokenizer.pieces))
    config = StudentConfig(len(kept), 13, 3, 16, 8, 2, 10, 20, HIDDEN, 3)
    shared = dataclasses.replace(config, distinct_blocks=1)
    sample = teacher.tokenizer.encode(["the good day", "a dark house"] * 9, None, 13)
    cut = measure_slice(teacher, sample, shared, seed=0)
    assert len(set(cut.blocks)) == 1
    weights = np.ones(len(kept))
    inputs = [sample.ids[:2], sample.mask[:2]]
    answers = []
    for each in (shared, config):
        student = initial_student(teacher, each, kept, weights, cut, 0, "slice")
        answers.append(student(inputs)["logits"].numpy())
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)


def test_a_small_vocabulary_loses_nothing_in_codes(teacher):
    kept = np.arange(len(teacher.tokenizer.pieces))
    assert len(kept) <= 256
    config = StudentConfig(len(kept), 13, 2, 16, 8, 2, 10, 20, HIDDEN, 3)
    sample = teacher.tokenizer.encode(["the good day", "a dark house"] * 9, None, 13)
    cut = measure_slice(teacher, sample, config, seed=0)
    inputs = [sample.ids[:2], sample.mask[:2]]
    answers = []
    for form in ("table", "product"):
        each = dataclasses.replace(config, embedding_form=form)
        student = initial_student(
            teacher, each, kept, np.ones(len(kept)), cut, 0, "slice"
        )
        answers.append(student(inputs)["logits"].numpy())
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)


def test_a_budget_buys_more_in_codes():
    def choose(**form):
        return choose_config(
            250_000, 200, 9000, 9000, 384, 12, 1536, 0.5,
            max_tokens=64, layers=3, outputs=2, norm="layer", pair=False, **form,
        )  # fmt: skip

    table, product = choose(), choose(embedding_form="product")
    assert piece_bytes(product) < piece_bytes(table)
    sizes = [(shape.hidden_size, shape.vocabulary_size) for shape in (table, product)]
    assert sizes[0] < sizes[1]
    shared = choose(distinct_blocks=1)
    assert shared.hidden_size > table.hidden_size
    assert model_bytes(shared) <= 250_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distinct_blocks": 4}, "distinct_blocks: 4; 0 to 3"),
        ({"embedding_form": "hash"}, "embedding_form: 'hash'; accepted: table"),
        ({"embedding_size": 6}, "embedding_size: 6; .* multiple of 4"),
    ],
)
def test_refused_shapes(changes, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(CONFIG, **changes)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"distinct_blocks": 4}, "distinct_blocks is 4; at most the 3 layers"),
        ({"embedding_form": "hash"}, "embedding_form is 'hash'"),
    ],
)
def test_refused_recipes(overrides, message):
    with pytest.raises(InputError, match=message):
        Recipe.preset("quick", overrides)
