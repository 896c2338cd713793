"""A BERT as an ONNX graph, from its weights.

The graph has the operators in the order in which PyTorch's export of a BERT has them,
because that is the pattern which ONNX Runtime's optimizer fuses into its own attention,
norm and activation kernels.

B batch, T tokens, N heads, D head size, H hidden size, F feed-forward size, V
vocabulary, C outputs.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from ei_bert_tf.teacher.backbone import Teacher

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# Gelu is an operator from 20 on; LayerNormalization since 17.
_OPSET = 20
_IR_VERSION = 10
_TEXT_SHAPE = ["batch", "tokens"]
# Of the encoder's norms, as in ei_bert_tf/teacher/forward.py.
_EPSILON = 1e-12
# Added to the scores of padding; far below any score, and finite in every kernel.
_MASKED = -10000.0
_STDDEV = 0.02  # BERT's initializer_range.


@dataclasses.dataclass(frozen=True)
class BertShape:
    """The sizes of a BERT with a pooler and a classifier."""

    vocabulary_size: int
    layers: int
    hidden_size: int
    heads: int
    feed_forward_size: int
    outputs: int
    max_tokens: int = 512
    segments: int = 2

    def weights(self) -> dict[str, tuple[int, ...]]:
        """The shape of each weight; a kernel is [inputs, outputs]."""
        hidden, wide = self.hidden_size, self.feed_forward_size
        found: dict[str, tuple[int, ...]] = {
            "words": (self.vocabulary_size, hidden),
            "positions": (self.max_tokens, hidden),
            "segments": (self.segments, hidden),
        }

        def dense(name: str, inputs: int, outputs: int) -> None:
            found[f"{name}.kernel"] = (inputs, outputs)
            found[f"{name}.bias"] = (outputs,)

        def norm(name: str) -> None:
            found[f"{name}.gamma"] = found[f"{name}.beta"] = (hidden,)

        norm("embeddings_norm")
        for index in range(self.layers):
            layer = f"layer{index}"
            for role in ("query", "key", "value", "output"):
                dense(f"{layer}.{role}", hidden, hidden)
            norm(f"{layer}.attention_norm")
            dense(f"{layer}.up", hidden, wide)
            dense(f"{layer}.down", wide, hidden)
            norm(f"{layer}.output_norm")
        dense("pooler", hidden, hidden)
        dense("classifier", hidden, self.outputs)
        return found


def random_weights(shape: BertShape, seed: int) -> dict[str, np.ndarray]:
    """Float32 weights of a fresh BERT: what is computed does not depend on them."""
    generator = np.random.default_rng(seed)
    found = {}
    for name, size in shape.weights().items():
        values = generator.standard_normal(size, np.float32) * np.float32(_STDDEV)
        found[name] = values + 1 if name.endswith("gamma") else values
    return found


def teacher_weights(teacher: "Teacher") -> tuple[BertShape, dict[str, np.ndarray]]:
    """The shape of a teacher and its float32 weights, task layers included."""
    backbone = teacher.backbone
    found: dict[str, np.ndarray] = {
        "words": backbone.token_embedding.embeddings.numpy(),
        "positions": backbone.position_embedding.position_embeddings.numpy(),
        "segments": backbone.segment_embedding.embeddings.numpy(),
    }

    def dense(name: str, layer, inputs: int) -> None:
        # Keras keeps heads apart: [H, N, D] or [N, D, H].
        found[f"{name}.kernel"] = layer.kernel.numpy().reshape(inputs, -1)
        found[f"{name}.bias"] = layer.bias.numpy().reshape(-1)

    def norm(name: str, layer) -> None:
        found[f"{name}.gamma"] = layer.gamma.numpy()
        found[f"{name}.beta"] = layer.beta.numpy()

    hidden = backbone.hidden_dim
    norm("embeddings_norm", backbone.embeddings_layer_norm)
    for index, block in enumerate(backbone.transformer_layers):
        attention = block._self_attention_layer
        for role in ("query", "key", "value", "output"):
            dense(f"layer{index}.{role}", getattr(attention, f"{role}_dense"), hidden)
        norm(f"layer{index}.attention_norm", block._self_attention_layer_norm)
        dense(f"layer{index}.up", block._feedforward_intermediate_dense, hidden)
        dense(
            f"layer{index}.down",
            block._feedforward_output_dense,
            backbone.intermediate_dim,
        )
        norm(f"layer{index}.output_norm", block._feedforward_layer_norm)
    dense("pooler", backbone.pooled_dense, hidden)
    dense("classifier", teacher.classifier, hidden)
    shape = BertShape(
        vocabulary_size=len(found["words"]),
        layers=backbone.num_layers,
        hidden_size=hidden,
        heads=backbone.num_heads,
        feed_forward_size=backbone.intermediate_dim,
        outputs=len(found["classifier.bias"]),
        max_tokens=len(found["positions"]),
        segments=len(found["segments"]),
    )
    return shape, found


def build_onnx(shape: BertShape, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The graph: INPUTS int32 [B, T] to `logits` float32 [B, C], any B and T.

    Args:
        shape: its sizes.
        weights: float32, with the names and shapes of `shape.weights()`.

    Raises:
        ValueError: a weight is missing or has another shape.
    """
    found = {name: tuple(array.shape) for name, array in weights.items()}
    if found != shape.weights():
        raise ValueError(f"BERT: weights {found}; needed are {shape.weights()}")
    return _Builder(shape, weights).model()


class _Builder:
    """Nodes and constants of one graph."""

    def __init__(self, shape: BertShape, weights: dict[str, np.ndarray]):
        self._shape = shape
        self._nodes: list[onnx.NodeProto] = []
        self._constants = {name: array for name, array in weights.items()}

    def _op(self, kind: str, *inputs: str, **attributes) -> str:
        """Appends a node; the name of its one output."""
        output = f"{kind}_{len(self._nodes)}"
        node = helper.make_node(kind, list(inputs), [output], name=output, **attributes)
        self._nodes.append(node)
        return output

    def _constant(self, value, dtype=np.int64) -> str:
        array = np.asarray(value, dtype)
        name = f"constant_{array.dtype}_{array.tolist()}".replace(" ", "")
        self._constants[name] = array
        return name

    def _dense(self, x: str, name: str) -> str:
        product = self._op("MatMul", x, f"{name}.kernel")
        # The bias comes first: the optimizer looks for it there.
        return self._op("Add", f"{name}.bias", product)

    def _norm(self, x: str, name: str) -> str:
        scale, bias = f"{name}.gamma", f"{name}.beta"
        return self._op("LayerNormalization", x, scale, bias, axis=-1, epsilon=_EPSILON)

    def _embeddings(self) -> str:
        """[B, T, H]: the sum of three tables' rows, normed."""
        words = self._op("Gather", "words", "input_ids")
        segments = self._op("Gather", "segments", "token_type_ids")
        tokens = self._op("Gather", self._op("Shape", "input_ids"), self._constant(1))
        end = self._op("Unsqueeze", tokens, self._constant([0]))
        every = self._constant([range(self._shape.max_tokens)])
        zero, one = self._constant([0]), self._constant([1])
        rows = self._op("Slice", every, zero, end, one, one)
        positions = self._op("Gather", "positions", rows)
        summed = self._op("Add", self._op("Add", words, segments), positions)
        return self._norm(summed, "embeddings_norm")

    def _mask(self) -> str:
        """float32 [B, 1, 1, T], added to the scores."""
        mask = self._op("Unsqueeze", "attention_mask", self._constant([1]))
        mask = self._op("Unsqueeze", mask, self._constant([2]))
        mask = self._op("Cast", mask, to=TensorProto.FLOAT)
        padding = self._op("Sub", self._constant(1.0, np.float32), mask)
        return self._op("Mul", padding, self._constant(_MASKED, np.float32))

    def _heads(self, x: str, name: str, order: list[int]) -> str:
        size = self._shape.hidden_size // self._shape.heads
        split = self._constant([0, 0, self._shape.heads, size])
        parted = self._op("Reshape", self._dense(x, name), split)
        return self._op("Transpose", parted, perm=order)

    def _attention(self, x: str, mask: str, layer: str) -> str:
        """[B, T, H]: self-attention of x with its residual, normed."""
        query = self._heads(x, f"{layer}.query", [0, 2, 1, 3])  # [B, N, T, D]
        key = self._heads(x, f"{layer}.key", [0, 2, 3, 1])  # [B, N, D, T]
        value = self._heads(x, f"{layer}.value", [0, 2, 1, 3])
        size = self._shape.hidden_size // self._shape.heads
        scores = self._op("MatMul", query, key)  # [B, N, T, T]
        scores = self._op("Div", scores, self._constant(size**0.5, np.float32))
        shares = self._op("Softmax", self._op("Add", scores, mask), axis=-1)
        context = self._op("MatMul", shares, value)
        context = self._op("Transpose", context, perm=[0, 2, 1, 3])
        joined = self._constant([0, 0, self._shape.hidden_size])
        context = self._op("Reshape", context, joined)
        summed = self._op("Add", self._dense(context, f"{layer}.output"), x)
        return self._norm(summed, f"{layer}.attention_norm")

    def model(self) -> onnx.ModelProto:
        x, mask = self._embeddings(), self._mask()
        for index in range(self._shape.layers):
            layer = f"layer{index}"
            attended = self._attention(x, mask, layer)
            neurons = self._op(
                "Gelu", self._dense(attended, f"{layer}.up"), approximate="tanh"
            )
            summed = self._op("Add", self._dense(neurons, f"{layer}.down"), attended)
            x = self._norm(summed, f"{layer}.output_norm")
        first = self._op("Gather", x, self._constant(0), axis=1)  # [B, H]
        pooled = self._op("Tanh", self._dense(first, "pooler"))
        self._dense(pooled, "classifier")
        self._nodes[-1].output[0] = "logits"
        graph = helper.make_graph(
            self._nodes,
            "bert",
            [
                helper.make_tensor_value_info(name, TensorProto.INT32, _TEXT_SHAPE)
                for name in INPUTS
            ],
            [
                helper.make_tensor_value_info(
                    "logits", TensorProto.FLOAT, [_TEXT_SHAPE[0], self._shape.outputs]
                )
            ],
            [
                numpy_helper.from_array(np.asarray(array, order="C"), name)
                for name, array in self._constants.items()
            ],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
        )
        onnx.checker.check_model(model)
        return model
