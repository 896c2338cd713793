"""An operator taken out of a file computes what it did there."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.single_operator import single_operator
from ei_bert_tf.evaluation.runtimes import LiteRt
from tests.tiny_models import tiny_encoded, tiny_tflite


def test_each_gives_what_the_whole_file_has():
    model = tiny_tflite(pair=True)
    whole = LiteRt(model, reference=True, preserve_all_tensors=True)
    whole.logits(tiny_encoded(1))
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    for number, operator in enumerate(graph.operators):
        file, sources = single_operator(parsed, number)
        constant = [flatbuffer.is_constant(parsed, graph.tensors[i]) for i in sources]
        assert not any(constant)
        alone = Interpreter(model_content=file)
        alone.allocate_tensors()
        for details, index in zip(alone.get_input_details(), sources, strict=True):
            alone.set_tensor(details["index"], whole.tensor(index))
        alone.invoke()
        (output,) = alone.get_output_details()
        np.testing.assert_array_equal(
            alone.get_tensor(output["index"]), whole.tensor(int(operator.outputs[0]))
        )
