"""Gives the tensors of a .tflite the names that somebody reads, and no other.

The converter joins the names of all that it has fused: some 20 KB in a student's file.
"""

import re

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.editing import GraphEditor

# A kernel that blocks share has the name of neither.
_LAYER = re.compile(r"quant_(?!shared_)(\w+?)/")


def shorten_names(editor: GraphEditor) -> None:
    """Names a tensor after the student's layer that it came out of, such as
    `block_0_query`; of the others the graph's inputs and outputs keep their names, and
    the rest has none."""
    graph = editor.graph
    outside = {int(index) for index in [*graph.inputs, *graph.outputs]}
    for index, tensor in enumerate(graph.tensors):
        match = _LAYER.search(flatbuffer.tensor_name(tensor))
        if match:
            tensor.name = match[1].encode()
        elif index not in outside:
            tensor.name = None


def drop_names(editor: GraphEditor) -> None:
    """Leaves the graph's inputs and outputs their names and takes all others."""
    outside = {int(i) for i in [*editor.graph.inputs, *editor.graph.outputs]}
    for index, tensor in enumerate(editor.graph.tensors):
        if index not in outside:
            tensor.name = None
