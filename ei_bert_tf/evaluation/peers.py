"""The models that a student's latency stands beside, as engines of ONNX Runtime."""

from collections.abc import Sequence

from ei_bert_tf.evaluation.classifier import encode_rows
from ei_bert_tf.evaluation.latency import Engine
from ei_bert_tf.evaluation.onnx_bert import (
    BertShape,
    build_onnx,
    random_weights,
    teacher_weights,
)
from ei_bert_tf.evaluation.onnx_peer import OnnxPeer, int8_models, peer_inputs
from ei_bert_tf.teacher.backbone import Teacher


def bert_tiny(outputs: int) -> BertShape:
    """BERT-Tiny's sizes (Turc et al. 2019): 2 layers of 128."""
    return BertShape(
        vocabulary_size=30522,
        layers=2,
        hidden_size=128,
        heads=2,
        feed_forward_size=512,
        outputs=outputs,
    )


class Peers:
    """The teacher with its weights, and BERT-Tiny's shape with random ones.

    Args:
        teacher: whose tokenizer both use.
        max_tokens: texts are cut there, as the student's are.
        calibration: texts for the ranges of static int8.
    """

    def __init__(
        self, teacher: Teacher, max_tokens: int, calibration: Sequence[Sequence[str]]
    ):
        self._tokenizer = teacher.tokenizer
        self._max_tokens = max_tokens
        shape, weights = teacher_weights(teacher)
        tiny = bert_tiny(shape.outputs)
        graphs = {
            "teacher": (shape, weights),
            "bert_tiny_shape": (tiny, random_weights(tiny, seed=0)),
        }
        encoded = encode_rows(self._tokenizer, calibration, max_tokens)
        self._models = {
            name: int8_models(build_onnx(*graph), graph[0], encoded)
            for name, graph in graphs.items()
        }

    def engines(self, threads: int) -> list[Engine]:
        """Each model in dynamic and static int8."""
        return [
            Engine(
                model=model,
                name=f"onnxruntime_{kind}_int8",
                threads=threads,
                tokenize=self._tokenize,
                infer=OnnxPeer(content, threads).logits,
            )
            for model, kinds in self._models.items()
            for kind, content in kinds.items()
        ]

    def _tokenize(self, text: Sequence[str]) -> dict:
        return peer_inputs(encode_rows(self._tokenizer, [text], self._max_tokens), 0)
