"""Takes one operator out of a .tflite, as a file of its own."""

import copy

from ai_edge_litert import schema_py_generated as schema

from ei_bert_tf.conversion import flatbuffer


def single_operator(parsed: schema.ModelT, number: int) -> tuple[bytes, list[int]]:
    """The file of one operator, with its constants.

    Args:
        parsed: the model of one graph.
        number: of the operator in it.

    Returns:
        The .tflite, and the numbers of the tensors in `parsed` that are its inputs, in
        order: those of the operator that are no constants, each once.
    """
    graph = parsed.subgraphs[0]
    operator = graph.operators[number]
    found = schema.SubGraphT()
    model = schema.ModelT()
    model.version = parsed.version
    model.buffers = [schema.BufferT()]
    model.operatorCodes = [flatbuffer.operator_code(parsed, operator)]
    found.tensors, found.inputs, sources = [], [], []
    places: dict[int, int] = {-1: -1}

    def place(index: int) -> int:
        if index in places:
            return places[index]
        original = graph.tensors[index]
        tensor = copy.copy(original)
        tensor.buffer = 0
        if flatbuffer.is_constant(parsed, original):
            model.buffers.append(parsed.buffers[original.buffer])
            tensor.buffer = len(model.buffers) - 1
        places[index] = len(found.tensors)
        found.tensors.append(tensor)
        return places[index]

    alone = copy.copy(operator)
    alone.opcodeIndex = 0
    alone.inputs = [place(int(index)) for index in operator.inputs]
    for index, own in places.items():
        if own >= 0 and found.tensors[own].buffer == 0:
            found.inputs.append(own)
            sources.append(index)
    alone.outputs = [place(int(index)) for index in operator.outputs]
    found.outputs = list(alone.outputs)
    found.operators = [alone]
    model.subgraphs = [found]
    return flatbuffer.pack_model(model), sources
