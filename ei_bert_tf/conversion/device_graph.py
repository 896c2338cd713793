"""The converter's graph made into the one that ships: the same function, less work."""

from ei_bert_tf.conversion.attention import rewrite_attention
from ei_bert_tf.conversion.editing import GraphEditor
from ei_bert_tf.conversion.means import rewrite_means
from ei_bert_tf.conversion.naming import shorten_names


def device_graph(model: bytes) -> bytes:
    """The .tflite with operators that have fast kernels, and short names.

    Raises:
        ValueError: its attention cannot be written as they demand.
    """
    editor = GraphEditor(model)
    shorten_names(editor)
    rewrite_attention(editor)
    rewrite_means(editor)
    return editor.finished()
