"""The student: a flat functional tf_keras encoder shaped for the device.

B batch, T tokens, N heads, D head size, H hidden size, E embedding size, C outputs.
Fully connected layers have rank 3, the attention scale lies in the query weights,
and after the last attention only the [CLS] token is computed.
"""

import itertools

from ei_bert_tf.compat import tf
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student import layers as own
from ei_bert_tf.student.units import BlockGate, Gate, Units

keras_layers = tf.keras.layers
# The fully connected layers of a block.
BLOCK_DENSE = (
    *("query", "key", "value", "attention_output"),
    *("feed_forward", "feed_forward_output"),
)


def build_student(
    config: StudentConfig,
    dropout: own.DropoutSource | None = None,
    fixed_tokens: bool = False,
    folded: bool = False,
    gates: Units | None = None,
) -> tf.keras.Model:
    """Builds a student with fresh weights.

    Args:
        config: its shape.
        dropout: applied behind the embedding and each residual branch, None for none.
        fixed_tokens: T is config.max_tokens (for export), else any T up to it.
        folded: as in the exported graph: the projection into the task layers is part
            of the pooler's kernel (no activation stands between them), the norms'
            shifts are parts of biases, and of `rms` norms the centring of weights.
        gates: of the units that are to be removed, None for none.

    Returns:
        Model with inputs `ids`, `mask` (and `segment_ids` for pairs) int32 [B, T] and
        outputs `logits` [B, C] and `features`: the pooler's input [B, task_size], or,
        folded, its output.
    """
    tokens = config.max_tokens if fixed_tokens else None

    numbers = itertools.count()

    def drop(x, name):
        if dropout is None:
            return x
        return own.Dropout(dropout, next(numbers), name=f"{name}_dropout")(x)

    def gate(x, name, kind, block=None):
        if gates is None:
            return x
        return Gate(gates, kind, block, name=f"{name}_gate")(x)

    def integers(name):
        return tf.keras.Input((tokens,), dtype="int32", name=name)

    inputs = {"ids": integers("ids"), "mask": integers("mask")}
    table = own.Table if config.embedding_form == "table" else own.ProductTable
    x = table(config.vocabulary_size, config.embedding_size, name="embedding")(
        inputs["ids"]
    )  # [B, T, E]
    x = gate(x, "embedding", "embedding")
    x = _dense(config.hidden_size, "embedding_projection")(x)  # [B, T, H]
    x = own.Positions(config.max_tokens, name="positions")(x)
    if config.pair:
        inputs["segment_ids"] = integers("segment_ids")
        segments = own.Table(2, config.hidden_size, name="segment_embedding")(
            inputs["segment_ids"]
        )
        x = keras_layers.Add(name="segments_add")([x, segments])
    x = _norm(x, config, "embedding_norm", folded)
    x = drop(x, "embedding")
    padding = own.MASK_BIASES[config.attention_form]
    bias = own.MaskBias(padding, name="mask_bias")(inputs["mask"])
    bias = keras_layers.Reshape((1, 1, -1), name="mask_rows")(bias)  # [B, 1, 1, T]
    kernels = _Kernels(config)
    for index in range(config.layers):
        last = index == config.layers - 1
        before = x
        x = _block(x, bias, config, index, drop, gate, last, folded, kernels)
        if gates is not None:
            if last:
                before = own.FirstToken(name="before_last_first")(before)
            x = BlockGate(gates, index, name=f"block_{index}_gate")([before, x])
    # x: [B, 1, H]
    states = x if folded else _dense(config.task_size, "task_projection")(x)
    pooled = _dense(config.task_size, "pooler")(states)
    pooled = keras_layers.Activation("tanh", name="pooler_tanh")(pooled)
    logits = _dense(config.outputs, "classifier")(drop(pooled, "pooler"))
    features = pooled if folded else states
    outputs = {
        "logits": keras_layers.Reshape((config.outputs,), name="logits")(logits),
        "features": keras_layers.Reshape((config.task_size,), name="features")(
            features
        ),
    }
    return tf.keras.Model(list(inputs.values()), outputs, name="student")


def student_inputs(config: StudentConfig, batch: dict) -> list:
    """The model's input list from a batch of text/batches.py."""
    names = ["ids", "mask"] + (["segment_ids"] if config.pair else [])
    return [batch[name] for name in names]


def norm_output(norm: str, config: StudentConfig) -> str:
    """The layer that a norm ends in, in the exported form.

    Args:
        norm: its name, such as `embedding_norm`.
    """
    return f"{norm}_normal" if config.norm == "rms" else f"{norm}_scale"


def _dense(units: int, name: str, activation: str | None = None):
    return keras_layers.Dense(
        units, activation=activation, kernel_initializer=_initializer(), name=name
    )


def _initializer():
    return tf.keras.initializers.TruncatedNormal(stddev=0.02)


class _Kernels:
    """Makes the fully connected layers of blocks, some of which share their kernels.

    A shared kernel is a layer without bias, used in several blocks, each of which has
    its own bias behind it: in the file a bias belongs to its use in any case, since its
    scale follows from that of the input.
    """

    def __init__(self, config: StudentConfig):
        self._sets = config.kernel_sets
        self._shared: dict[str, keras_layers.Layer] = {}

    def dense(
        self,
        x,
        index: int,
        role: str,
        units: int,
        activation: str | None = None,
        kind=keras_layers.Dense,
    ):
        number = self._sets[index]
        name = f"block_{index}_{role}"
        choices = {"kernel_initializer": _initializer()}
        if self._sets.count(number) == 1:
            return kind(units, activation=activation, name=name, **choices)(x)
        shared = f"shared_{number}_{role}"
        if shared not in self._shared:
            layer = kind(units, use_bias=False, name=shared, **choices)
            self._shared[shared] = layer
        return own.Bias(activation, name=name)(self._shared[shared](x))


def _block(
    x,
    bias,
    config: StudentConfig,
    index: int,
    drop,
    gate,
    last: bool,
    folded: bool,
    kernels: _Kernels,
):
    """One post-norm transformer block; the last one returns only [CLS]."""
    name = f"block_{index}"
    width = config.heads * config.head_size
    first = own.FirstToken(name=f"{name}_first")(x) if last else x

    def heads(source, role):
        y = kernels.dense(source, index, role, width)
        shape = (-1, config.heads, config.head_size)
        y = keras_layers.Reshape(shape, name=f"{name}_{role}_split")(y)
        return keras_layers.Permute((2, 1, 3), name=f"{name}_{role}_heads")(y)

    query, key, value = heads(first, "query"), heads(x, "key"), heads(x, "value")
    # [B, N, T, T]
    scores = own.MatMul(True, name=f"{name}_scores")([query, key])
    scores = keras_layers.Add(name=f"{name}_masked")([scores, bias])
    forms = {"softmax": keras_layers.Softmax, "relu": keras_layers.ReLU}
    attention = forms[config.attention_form](name=f"{name}_attention")(scores)
    context = own.MatMul(False, name=f"{name}_context")([attention, value])
    context = gate(context, f"{name}_context", "heads", index)
    context = keras_layers.Permute((2, 1, 3), name=f"{name}_context_tokens")(context)
    context = keras_layers.Reshape((-1, width), name=f"{name}_context_joined")(context)
    y = kernels.dense(
        context, index, "attention_output", config.hidden_size, kind=own.JoinedDense
    )
    y = drop(y, f"{name}_attention")
    x = keras_layers.Add(name=f"{name}_attention_add")([first, y])
    x = _norm(x, config, f"{name}_attention_norm", folded)
    y = kernels.dense(x, index, "feed_forward", config.feed_forward_size, "relu")
    y = gate(y, f"{name}_feed_forward", "neurons", index)
    y = kernels.dense(y, index, "feed_forward_output", config.hidden_size)
    y = drop(y, f"{name}_feed_forward")
    x = keras_layers.Add(name=f"{name}_feed_forward_add")([x, y])
    return _norm(x, config, f"{name}_feed_forward_norm", folded)


def _norm(x, config: StudentConfig, name: str, folded: bool):
    """LayerNorm (Ba et al. 2016), the same without a gain, or MobileBERT's element-wise
    affine, which is one MUL.

    What folding.py folds is there in float training only: the shift, so that dropout
    falls on the branches and not on it, and, where there is no gain, the centring, so
    that what is left for the file is RMSNorm (Zhang and Sennrich 2019).
    """
    if config.norm == "layer" or (config.norm == "rms" and not folded):
        mean = own.Mean(name=f"{name}_mean")(x)
        x = keras_layers.Subtract(name=f"{name}_centred")([x, mean])
    if config.norm != "affine":
        square = keras_layers.Multiply(name=f"{name}_square")([x, x])
        variance = own.Mean(name=f"{name}_variance")(square)
        inverse = own.ReciprocalRoot(name=f"{name}_inverse_deviation")(variance)
        x = keras_layers.Multiply(name=f"{name}_normal")([x, inverse])
    if config.norm != "rms":
        x = own.Scale(name=f"{name}_scale")(x)
    if not folded:
        x = own.Shift(name=f"{name}_shift")(x)
    return x
