"""Ranges of the student's layers in a file."""

from ei_bert_tf.conversion.editing import GraphEditor
from ei_bert_tf.conversion.layer_outputs import LayerOutput, layer_outputs
from ei_bert_tf.conversion.naming import shorten_names
from tests.tiny_models import tiny_tflite


def test_the_range_is_that_of_the_smallest_and_the_largest_step():
    assert LayerOutput(7, 0.5, -28).range == (-50.0, 77.5)
    assert LayerOutput(7, 1 / 128, 0).range == (-1.0, 127 / 128)


def test_tensors_of_no_layer_are_left_out():
    editor = GraphEditor(tiny_tflite())
    shorten_names(editor)
    (output,) = editor.graph.outputs
    # The graph's outputs keep their names.
    assert [x.index for x in layer_outputs(editor.finished()).values()] == [output]
