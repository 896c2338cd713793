"""Which part of the student the bytes of a .tflite belong to."""

import re

from ei_bert_tf.conversion import flatbuffer

# By the name of a layer, the first that matches.
_PARTS = {
    "embedding": r"embedding|embedding_projection|positions|segment_embedding",
    "attention": r"block_\d+_(query|key|value|attention_output)",
    "feed-forward": r"block_\d+_feed_forward(_output)?",
    "norms": r".*_norm_\w+",
    "task layers": r"pooler|classifier",
}


def part_bytes(model: bytes) -> dict[str, int]:
    """Bytes of the constants of each part, and under `graph` the rest of the file:
    operators, tensors' names, ranges and small constants of no part."""
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    # What several operators read has no name of one of them.
    results = {
        index: graph.tensors[operator.outputs[0]]
        for operator in reversed(graph.operators)
        for index in flatbuffer.tensor_indexes(operator.inputs)
    }
    found = dict.fromkeys(_PARTS, 0)
    counted = set()
    for index, tensor in enumerate(graph.tensors):
        if not flatbuffer.is_constant(parsed, tensor) or tensor.buffer in counted:
            continue
        layer = flatbuffer.tensor_name(tensor)
        if not layer and flatbuffer.type_name(tensor) == "int8":
            layer = flatbuffer.tensor_name(results[index])
        part = next(
            (part for part, pattern in _PARTS.items() if re.fullmatch(pattern, layer)),
            None,
        )
        if part is not None:
            counted.add(tensor.buffer)
            found[part] += len(parsed.buffers[tensor.buffer].data)
    return found | {"graph": len(model) - sum(found.values())}
