"""The units of a student that can be removed, and the gates that close them.

B batch, T tokens, N heads, D head size, F feed-forward size, E embedding size, L
blocks.
"""

import dataclasses
from typing import Any

from ei_bert_tf.compat import tf
from ei_bert_tf.recipe import StudentConfig


@dataclasses.dataclass(frozen=True)
class Units:
    """Something of each unit: its gate, its score, or how many there are.

    Attributes:
        embedding: of the dimensions of the embedding table, [E].
        heads, neurons: of each block's, L times [N] and [F].
        blocks: of the blocks, [L].
    """

    embedding: Any
    heads: list
    neurons: list
    blocks: Any

    def numpy(self) -> "Units":
        """The same as arrays."""
        return Units(
            self.embedding.numpy(),
            [heads.numpy() for heads in self.heads],
            [neurons.numpy() for neurons in self.neurons],
            self.blocks.numpy(),
        )

    def groups(self) -> list:
        """The groups that units are removed from, in one order for all."""
        return [self.embedding, *self.heads, *self.neurons, self.blocks]


def unit_counts(config: StudentConfig, layers: int) -> Units:
    """How many units a student has.

    Args:
        layers: blocks of the larger student, whose groups they are compared with.
    """
    return Units(
        config.embedding_size,
        [config.heads] * layers,
        [config.feed_forward_size] * layers,
        config.layers,
    )


def open_gates(config: StudentConfig) -> Units:
    """Gates of 1, float32 variables, for build_student."""

    def gates(count: int) -> tf.Variable:
        return tf.Variable(tf.ones([count]))

    layers = range(config.layers)
    return Units(
        gates(config.embedding_size),
        [gates(config.heads) for _ in layers],
        [gates(config.feed_forward_size) for _ in layers],
        gates(config.layers),
    )


class Gate(tf.keras.layers.Layer):
    """Multiplies units by their gates. It has no weights: gates are not trained.

    Args:
        gates: of all units.
        kind: `embedding` for [B, T, E], `neurons` for [B, T, F], or `heads` for
            [B, N, T, D].
        block: whose heads or neurons.
    """

    def __init__(self, gates: Units, kind: str, block: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.gates = gates
        self.kind = kind
        self.block = block

    def call(self, inputs):
        gate = getattr(self.gates, self.kind)
        if self.block is not None:
            gate = gate[self.block]
        if self.kind == "heads":
            gate = tf.reshape(gate, [-1, 1, 1])
        return inputs * gate


class BlockGate(tf.keras.layers.Layer):
    """What goes into a block and what comes out: with a gate of 0 the block is not
    there. [B, T, H] each."""

    def __init__(self, gates: Units, block: int, **kwargs):
        super().__init__(**kwargs)
        self.gates = gates
        self.block = block

    def call(self, inputs):
        before, after = inputs
        return before + self.gates.blocks[self.block] * (after - before)
