"""Rewrites means over the last axis as products with ones.

Kernels reduce element by element through general strides, while FULLY_CONNECTED sums
with vector instructions. Its weights are all 127, in the scale of 1 / (127 H): the sum
is exact, and so large that its division is rounded to the nearest step.

H elements.
"""

from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion.editing import GraphEditor

_LARGEST = 127


def rewrite_means(editor: GraphEditor) -> None:
    """Puts a FULLY_CONNECTED in the place of each MEAN over the last axis that keeps
    it."""
    operators = []
    for op in editor.graph.operators:
        if editor.name(op) == "MEAN" and _keeps_last_axis(editor, op):
            source, target = int(op.inputs[0]), int(op.outputs[0])
            width = editor.shape(source)[-1]
            weight = editor.constant([[_LARGEST] * width], 1.0 / (_LARGEST * width))
            op = editor.fully_connected(source, weight, -1, target)
        operators.append(op)
    editor.graph.operators = operators


def _keeps_last_axis(editor: GraphEditor, op: schema.OperatorT) -> bool:
    source, axis = map(int, op.inputs)
    last = len(editor.shape(source)) - 1
    is_last = editor.values(axis).tolist() in ([last], [-1])
    return is_last and bool(op.builtinOptions.keepDims)
