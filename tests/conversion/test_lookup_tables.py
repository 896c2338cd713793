"""Look-up tables and half bytes: TFLM's integers stay what they were."""

import dataclasses

import numpy as np
import pytest

from ei_bert_tf.conversion import flatbuffer, lookup_tables
from ei_bert_tf.conversion.conformance import ConformanceError, operators
from ei_bert_tf.conversion.editing import GraphEditor
from ei_bert_tf.conversion.lifetimes import lifetimes
from ei_bert_tf.conversion.lookup_tables import with_lookup_tables
from ei_bert_tf.evaluation.parity import check_same_logits
from ei_bert_tf.evaluation.runtimes import Tflm
from tests.clustered_students import CONFIG, clustered_tflite, encoded_texts
from tests.tiny_models import tiny_tflite

_TEXTS = encoded_texts(CONFIG, 60)


def _kinds(model: bytes) -> list[str]:
    parsed = flatbuffer.parse_model(model)
    return [
        flatbuffer.operator_name(parsed, operator)
        for operator in parsed.subgraphs[0].operators
    ]


def test_tflm_computes_the_same_integers():
    model = clustered_tflite()
    packed = with_lookup_tables(model, least_weights=100)
    plain, small = (Tflm(x).logits(_TEXTS) for x in (model, packed))
    np.testing.assert_array_equal(small, plain)
    assert len(np.unique(plain, axis=0)) > 20
    assert _kinds(packed).count("TFLM_DECODE") == 7
    names = {operator["name"]: operator for operator in operators(packed)}
    assert names["TFLM_DECODE"]["types"] == ["int8"]
    assert with_lookup_tables(model, least_weights=100) == packed


def test_each_weight_takes_half_a_byte():
    model = clustered_tflite()
    packed = with_lookup_tables(model, least_weights=100)
    editor = GraphEditor(packed)
    tables = [
        editor.constant_values(int(operator.inputs[0]))
        for operator in editor.graph.operators
        if editor.name(operator) == "GATHER"
    ]
    shape = CONFIG.vocabulary_size, CONFIG.embedding_size // 2
    assert shape in [table.shape for table in tables]
    encoded = decoded = 0
    for operator in editor.graph.operators:
        if editor.name(operator) == "TFLM_DECODE":
            indexes = editor.graph.tensors[int(operator.inputs[0])]
            encoded += len(editor.parsed.buffers[indexes.buffer].data)
            weight = editor.graph.tensors[int(operator.outputs[0])]
            decoded += int(np.prod(weight.shape))
    assert encoded == decoded // 2


def test_all_pairs_of_half_bytes_come_apart():
    """Also where kernels that round twice are near to a half: 39 / 16, with b = 7."""
    halves = np.arange(-7, 8, dtype=np.int8)
    pairs = np.stack(np.meshgrid(halves, halves), axis=-1).reshape(-1, 2)
    config = dataclasses.replace(CONFIG, vocabulary_size=225, embedding_size=2)
    editor = GraphEditor(clustered_tflite(config))
    gather = editor.graph.operators[0]
    table = editor.graph.tensors[int(gather.inputs[0])]
    editor.parsed.buffers[table.buffer].data = pairs.view(np.uint8).ravel()
    packed = with_lookup_tables(editor.finished(), least_weights=300)
    texts = encoded_texts(config, 18)
    ids = np.resize(np.arange(225, dtype=np.int32), texts.ids.shape)
    texts = dataclasses.replace(texts, ids=ids)
    engine = Tflm(packed, preserve_all_tensors=True)
    graph = GraphEditor(packed).graph
    joined = int(graph.operators[_kinds(packed).index("CONCATENATION")].outputs[0])
    for row in range(len(texts)):
        engine.logits(texts.take(np.array([row])))
        np.testing.assert_array_equal(engine.tensor(joined)[0], pairs[ids[row]])


@pytest.fixture(scope="module")
def cut():
    """A student with large feed-forward weights, without tables and with them."""
    config = dataclasses.replace(CONFIG, layers=2, feed_forward_size=160)
    model = clustered_tflite(config)
    return config, model, with_lookup_tables(model, least_weights=100)


def test_large_weights_are_cut_and_the_logits_stay(cut):
    config, model, packed = cut
    editor = GraphEditor(packed)
    decoded = [
        tuple(map(int, editor.graph.tensors[int(operator.outputs[0])].shape))
        for operator in editor.graph.operators
        if editor.name(operator) == "TFLM_DECODE"
    ]
    # That of the output: where the first's parts would be joined, memory is scarcer.
    assert [shape for shape in decoded if shape[1] == 160] == [
        (6, 160),
        (6, 160),
        (12, 160),
    ]
    texts = encoded_texts(config, 30)
    plain, small = (Tflm(x).logits(texts) for x in (model, packed))
    np.testing.assert_array_equal(small, plain)


def test_cutting_lowers_what_has_to_be_in_memory(cut, monkeypatch):
    def most(file: bytes) -> int:
        return max(step.live_bytes for step in lifetimes(file))

    _, model, packed = cut
    monkeypatch.setattr(lookup_tables, "_MOST_PARTS", 1)
    whole = with_lookup_tables(model, least_weights=100)
    assert most(model) < most(packed) < most(whole)


def test_names_stay_on_inputs_and_outputs_alone(cut):
    _, _, packed = cut
    graph = GraphEditor(packed).graph
    named = [tensor.name for tensor in graph.tensors if tensor.name]
    assert len(named) == 3
    inputs, outputs = flatbuffer.signature_tensors(flatbuffer.parse_model(packed))
    assert sorted(inputs) == ["ids", "mask"] and list(outputs) == ["logits"]


def test_a_file_without_clusters_is_refused():
    with pytest.raises(ValueError, match="no weight of FULLY_CONNECTED has at most 16"):
        with_lookup_tables(tiny_tflite(), least_weights=10)


def test_other_logits_are_refused():
    """Per-channel tables on a weight with one scale give them without an error."""
    model = clustered_tflite()
    packed = with_lookup_tables(model, least_weights=100)
    check_same_logits(model, packed, _TEXTS)
    editor = GraphEditor(packed)
    decode = next(
        operator
        for operator in editor.graph.operators
        if editor.name(operator) == "TFLM_DECODE"
    )
    table = editor.graph.tensors[int(decode.inputs[1])]
    buffer = editor.parsed.buffers[table.buffer]
    buffer.data = np.append(buffer.data[:16], buffer.data[16:] ^ 4)
    with pytest.raises(ConformanceError, match="of 60 texts get other logits"):
        check_same_logits(model, editor.finished(), _TEXTS)
