"""The student's own layers: each becomes one TFLite operator.

B batch, T tokens, N heads, D head size, H hidden size, E embedding size, V pieces,
G groups of dimensions of E.
All are small so that TFMOT can put a fake quantizer behind each operator.
"""

import dataclasses

from ei_bert_tf.compat import tf, tfmot
from ei_bert_tf.recipe import CODE_DIMENSIONS, codebook_entries

# What padding adds to a score, by the form of attention. exp(-12) * 64 padding tokens
# is a leak of 0.04 % of softmax, while a larger constant would take int8 steps from the
# scores that it is added to. Of ReLU only what is above 0 is rounded, so that the
# constant may be beyond any score.
MASK_BIASES = {"softmax": -12.0, "relu": -64.0}


class Table(tf.keras.layers.Layer, tfmot.sparsity.keras.PrunableLayer):
    """Rows of a table by id (GATHER): int32 [B, T] to float32 [B, T, width]."""

    def __init__(self, rows: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.rows = rows
        self.width = width

    def build(self, input_shape):
        self.table = self.add_weight(
            name="table",
            shape=(self.rows, self.width),
            initializer=tf.keras.initializers.TruncatedNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs):
        return tf.gather(self.table, inputs)

    def get_prunable_weights(self):
        return [self.table]

    def get_config(self):
        return super().get_config() | {"rows": self.rows, "width": self.width}


class ProductTable(tf.keras.layers.Layer):
    """Rows put together from codebooks (product quantization, Jegou et al. 2011):
    int32 [B, T] to float32 [B, T, E].

    Piece v has a code for each of G = E / CODE_DIMENSIONS groups of dimensions: a row
    of that group's codebook. The codebooks lie one behind the other in one table, so
    that GATHER (codes), CAST, ADD (where the group's codebook begins) and GATHER make
    the row: kernels that LiteRT and TFLM have. Codes are int8 in -128..127.
    """

    def __init__(self, rows: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.rows = rows
        self.width = width
        self.groups = width // CODE_DIMENSIONS
        self.entries = codebook_entries(rows)

    def build(self, input_shape):
        shape = self.rows, self.groups
        self.codes = self.add_weight(
            name="codes",
            shape=shape,
            dtype=tf.int8,
            # All alike would let the converter fold the table into one row.
            initializer=lambda *_, **__: tf.cast(
                tf.reshape(tf.range(self.rows * self.groups), shape) % self.entries
                - 128,
                tf.int8,
            ),
            trainable=False,
        )
        self.codebooks = self.add_weight(
            name="codebooks",
            shape=(self.groups * self.entries, CODE_DIMENSIONS),
            initializer=tf.keras.initializers.TruncatedNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs):
        starts = tf.range(self.groups) * self.entries + 128  # [G]
        places = tf.cast(tf.gather(self.codes, inputs), tf.int32) + starts
        rows = tf.gather(self.codebooks, places)  # [B, T, G, CODE_DIMENSIONS]
        tokens = inputs.shape[1] or tf.shape(inputs)[1]
        return tf.reshape(rows, (-1, tokens, self.width))

    def get_config(self):
        return super().get_config() | {"rows": self.rows, "width": self.width}


class Positions(tf.keras.layers.Layer):
    """Adds a learned vector for each position: [B, T, H] to [B, T, H]."""

    def __init__(self, max_tokens: int, **kwargs):
        super().__init__(**kwargs)
        self.max_tokens = max_tokens

    def build(self, input_shape):
        self.table = self.add_weight(
            name="table",
            shape=(1, self.max_tokens, input_shape[-1]),
            initializer=tf.keras.initializers.TruncatedNormal(stddev=0.02),
        )
        super().build(input_shape)

    def call(self, inputs):
        if inputs.shape[1] == self.max_tokens:
            return inputs + self.table
        return inputs + self.table[:, : tf.shape(inputs)[1]]

    def get_config(self):
        return super().get_config() | {"max_tokens": self.max_tokens}


class MaskBias(tf.keras.layers.Layer):
    """What a key's attention score gets: int32 mask [B, T] to [B, T], by GATHER.

    One of MASK_BIASES for padding (mask 0), 0 for a token (mask 1).
    """

    def __init__(self, padding: float, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def build(self, input_shape):
        self.table = self.add_weight(
            name="table",
            shape=(2,),
            initializer=tf.keras.initializers.Constant([self.padding, 0.0]),
            trainable=False,
        )
        super().build(input_shape)

    def call(self, inputs):
        return tf.gather(self.table, inputs)

    def get_config(self):
        return super().get_config() | {"padding": self.padding}


class MatMul(tf.keras.layers.Layer):
    """Batched matrix product of two inputs [B, N, ., .] (BATCH_MATMUL)."""

    def __init__(self, transpose_b: bool, **kwargs):
        super().__init__(**kwargs)
        self.transpose_b = transpose_b

    def call(self, inputs):
        return tf.matmul(inputs[0], inputs[1], transpose_b=self.transpose_b)

    def get_config(self):
        return super().get_config() | {"transpose_b": self.transpose_b}


class JoinedDense(tf.keras.layers.Dense, tfmot.sparsity.keras.PrunableLayer):
    """Dense on what a Reshape left: [B, T, I] to [B, T, O] (FULLY_CONNECTED).

    The converter merges that Reshape with the one inside Dense into rank 2, for which
    TFLM has no fast path. For the exported batch of 1 it is a product of rank 3.
    """

    def call(self, inputs):
        if inputs.shape[0] != 1:
            return super().call(inputs)
        outputs = tf.matmul(inputs, self.kernel)
        return outputs + self.bias if self.use_bias else outputs

    def get_prunable_weights(self):
        return [self.kernel]


class Bias(tf.keras.layers.Layer):
    """A block's own bias behind a kernel that several blocks share, and its activation:
    [B, T, O] to [B, T, O]. It becomes part of the FULLY_CONNECTED.
    """

    def __init__(self, activation: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.activation = tf.keras.activations.get(activation)

    def build(self, input_shape):
        self.bias = self.add_weight(
            name="bias", shape=(input_shape[-1],), initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs):
        return self.activation(tf.nn.bias_add(inputs, self.bias))

    def get_config(self):
        activation = tf.keras.activations.serialize(self.activation)
        return super().get_config() | {"activation": activation}


@dataclasses.dataclass
class DropoutSource:
    """What the masks of a training follow from: the same step, the same masks.

    Attributes:
        rate: share of elements that are dropped.
        seed: of the training.
        step: int32 variable, which the trainer sets before each step.
    """

    rate: float
    seed: int
    step: tf.Variable


class Dropout(tf.keras.layers.Layer):
    """Dropout of a student in training; the exported student has none.

    It has no weights and no state of its own, so that a killed training can go on.
    """

    def __init__(self, source: DropoutSource, number: int, **kwargs):
        super().__init__(**kwargs)
        self.source = source
        self.number = number

    def call(self, inputs, training=None):
        if not training:
            return inputs
        seed = tf.random.experimental.stateless_fold_in(
            tf.stack([self.source.seed, self.source.step]), self.number
        )
        return tf.nn.experimental.stateless_dropout(inputs, self.source.rate, seed)


class FirstToken(tf.keras.layers.Layer):
    """The [CLS] state: [B, T, H] to [B, 1, H] (STRIDED_SLICE)."""

    def call(self, inputs):
        return inputs[:, :1]


class Mean(tf.keras.layers.Layer):
    """Mean over the last axis, which stays with size 1 (MEAN)."""

    def call(self, inputs):
        return tf.reduce_mean(inputs, axis=-1, keepdims=True)


class ReciprocalRoot(tf.keras.layers.Layer):
    """1 / sqrt(x) (RSQRT).

    No epsilon: it would cost an operator. A residual state never has variance 0, yet
    its quantized variance can be 0, where int8 kernels answer with the largest output
    there is: so does training, with the largest of the batch.
    """

    def call(self, inputs):
        if inputs.shape[0] == 1:
            return tf.math.rsqrt(inputs)
        positive = inputs > 0.0
        # The first where keeps an infinite derivative out of the gradient.
        roots = tf.math.rsqrt(tf.where(positive, inputs, 1.0))
        largest = tf.reduce_max(tf.where(positive, roots, 0.0))
        return tf.where(positive, roots, tf.stop_gradient(largest))


class Scale(tf.keras.layers.Layer):
    """Multiplies by a learned vector: [B, T, H] to [B, T, H] (MUL)."""

    def build(self, input_shape):
        self.gamma = self.add_weight(
            name="gamma", shape=(input_shape[-1],), initializer="ones"
        )
        super().build(input_shape)

    def call(self, inputs):
        return inputs * self.gamma


class Shift(tf.keras.layers.Layer):
    """Adds a learned vector: [B, T, H] to [B, T, H] (ADD)."""

    def build(self, input_shape):
        self.beta = self.add_weight(
            name="beta", shape=(input_shape[-1],), initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs):
        return inputs + self.beta


OWN_LAYERS = {
    layer.__name__: layer
    for layer in (
        Table,
        ProductTable,
        Positions,
        MaskBias,
        MatMul,
        JoinedDense,
        Bias,
        FirstToken,
        Mean,
        ReciprocalRoot,
        Scale,
        Shift,
    )
}
