"""Every operator of a .tflite as a file of its own, and what it is given there."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.single_operator import single_operator
from ei_bert_tf.evaluation.runtimes import Tflm
from ei_bert_tf.evaluation.stderr import captured_stderr
from ei_bert_tf.text.wordpiece import Encoded


class OperatorsAlone:
    """The operators of one graph.

    Attributes:
        names: of each operator's kind, in their order.
        files: the .tflite of each.
    """

    def __init__(self, model: bytes):
        """
        Args:
            model: the .tflite, with the signature of the bundle.

        Raises:
            InputError: the model has another interface, or TFLM refuses it.
        """
        parsed = flatbuffer.parse_model(model)
        self._graph = parsed.subgraphs[0]
        self._micro = Tflm(model, preserve_all_tensors=True)
        operators = self._graph.operators
        self.names = [flatbuffer.operator_name(parsed, one) for one in operators]
        alone = [single_operator(parsed, number) for number in range(len(operators))]
        self.files = [file for file, _ in alone]
        self._sources = [sources for _, sources in alone]

    def run(self, encoded: Encoded) -> None:
        """Fills in what `inputs` and `outputs` give.

        Args:
            encoded: one row of the model's T tokens.
        """
        self._micro.logits(encoded)

    def inputs(self, number: int) -> list[np.ndarray]:
        """TFLM's values of what the file of an operator takes, in order."""
        return [self._tensor(index) for index in self._sources[number]]

    def outputs(self, number: int) -> list[np.ndarray]:
        """TFLM's values of what it gives."""
        places = self._graph.operators[number].outputs
        return [self._tensor(int(index)) for index in places]

    def _tensor(self, index: int) -> np.ndarray:
        shape = self._graph.tensors[index].shape
        return self._micro.tensor(index).reshape(shape)


def litert_interpreter(
    model: bytes, resolver: OpResolverType = OpResolverType.AUTO
) -> Interpreter:
    """LiteRT with one thread, without its messages."""
    with captured_stderr():
        found = Interpreter(
            model_content=model,
            experimental_op_resolver_type=resolver,
            num_threads=1,
        )
        found.allocate_tensors()
    return found


def set_inputs(engine: Interpreter, inputs: list[np.ndarray]) -> None:
    """Gives LiteRT the inputs of a file in their order."""
    for details, value in zip(engine.get_input_details(), inputs, strict=True):
        engine.set_tensor(details["index"], value)
