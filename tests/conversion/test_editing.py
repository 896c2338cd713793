"""What a changed file keeps, loses, and how its data lies."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.editing import GraphEditor
from ei_bert_tf.conversion.naming import shorten_names
from ei_bert_tf.evaluation.runtimes import LiteRt
from tests.tiny_models import tiny_encoded, tiny_tflite


def test_an_unchanged_graph_says_the_same():
    encoded = tiny_encoded(5)
    model = tiny_tflite(pair=True)
    again = GraphEditor(model).finished()
    for row in range(5):
        text = encoded.take(np.array([row]))
        np.testing.assert_array_equal(
            LiteRt(again, reference=True).logits(text),
            LiteRt(model, reference=True).logits(text),
        )


def test_data_lies_at_multiples_of_16():
    # Eight lengths of a constant before it: one after another would not.
    editor = GraphEditor(tiny_tflite())
    for length in range(1, 9):
        constant = editor.constant(np.arange(length), 0.5)
        target = editor.like(constant, [length])
        shape = editor.constant([length])
        editor.graph.operators.append(
            editor.operator(
                "RESHAPE", [constant, shape], [target], schema.ReshapeOptionsT()
            )
        )
    model = editor.finished()
    parsed = flatbuffer.parse_model(model)
    kept = [buffer.data for buffer in parsed.buffers if buffer.data is not None]
    assert len(kept) > 16
    for data in kept:
        assert any(
            model[place : place + len(data)] == data.tobytes()
            for place in range(0, len(model), 16)
        )


def test_what_nothing_reads_is_gone():
    editor = GraphEditor(tiny_tflite())
    before = len(editor.graph.tensors)
    editor.constant([1, 2, 3])
    editor.integers([1, 3])
    parsed = flatbuffer.parse_model(editor.finished())
    assert len(parsed.subgraphs[0].tensors) == before
    assert not any(
        buffer.data is not None and buffer.data.tobytes() == bytes([1, 0, 0, 0] * 3)
        for buffer in parsed.buffers
    )


def test_equal_constants_are_one():
    editor = GraphEditor(tiny_tflite())
    assert editor.constant([1, 2]) == editor.constant(np.array([1, 2]))
    assert editor.constant([1, 2]) != editor.constant([[1, 2]])
    assert editor.constant([1, 2], 0.5) != editor.constant([1, 2], 0.25)


def test_names_are_the_layers_and_those_of_inputs_and_outputs():
    editor = GraphEditor(tiny_tflite())
    graph = editor.graph
    outside = {int(index) for index in [*graph.inputs, *graph.outputs]}
    inside = [x for i, x in enumerate(graph.tensors) if i not in outside]
    inside[0].name = b"student/quant_block_0_query/Tensordot;student/quant_x/BiasAdd"
    inside[1].name = b"arith.constant"
    kept = {index: graph.tensors[index].name for index in outside}
    shorten_names(editor)
    assert flatbuffer.tensor_name(inside[0]) == "block_0_query"
    assert flatbuffer.tensor_name(inside[1]) == ""
    assert {index: graph.tensors[index].name for index in outside} == kept
    (output,) = graph.outputs
    graph.tensors[output].name = b"student/quant_classifier/BiasAdd"
    shorten_names(editor)
    assert flatbuffer.tensor_name(graph.tensors[output]) == "classifier"
