"""BERT's forward pass over the weights of a keras-nlp backbone, with every state open.

keras-nlp's own call hides attention probabilities and residual states, and its einsum
layers train slower than plain matrix products on a CPU; the result is the same
(tests/teacher/test_forward.py).

B batch, T tokens, N heads, D head size, H hidden size, F feed-forward size.
"""

import dataclasses

from ei_bert_tf.compat import keras_nlp, tf

EPSILON = 1e-12
_MASKED = -1e9


@dataclasses.dataclass
class LayerStates:
    """What one transformer block computed.

    Attributes:
        query, key, value: float32 [B, N, T, D]; the query is scaled by D ** -0.5.
        attention: float32 [B, N, T, T], probabilities (query, key).
        heads: float32 [B, T, N * D], the heads' outputs before the output layer.
        attention_sum: float32 [B, T, H], residual + attention before its norm.
        attention_state: float32 [B, T, H], after that norm.
        neurons: float32 [B, T, F], the feed-forward activations.
        output_sum: float32 [B, T, H], residual + feed-forward before its norm.
        output_state: float32 [B, T, H], after that norm.
    """

    query: tf.Tensor
    key: tf.Tensor
    value: tf.Tensor
    attention: tf.Tensor
    heads: tf.Tensor
    attention_sum: tf.Tensor
    attention_state: tf.Tensor
    neurons: tf.Tensor
    output_sum: tf.Tensor
    output_state: tf.Tensor


@dataclasses.dataclass
class States:
    """All states of a forward pass.

    Attributes:
        embedding_sum: float32 [B, T, H], word + position + segment, before the norm.
        embedding_state: float32 [B, T, H], after it.
        layers: one LayerStates a block.
        features: float32 [B, H], the last [CLS] state.
        pooled: float32 [B, H], tanh of the pooler on it.
    """

    embedding_sum: tf.Tensor
    embedding_state: tf.Tensor
    layers: list[LayerStates]
    features: tf.Tensor
    pooled: tf.Tensor


class Dropout:
    """Dropout whose masks follow from one int32 [2] seed: same seed, same masks."""

    def __init__(self, rate: float, seed: tf.Tensor):
        self.rate = rate
        self._seed = seed
        self._calls = 0

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        self._calls += 1
        seed = tf.random.experimental.stateless_fold_in(self._seed, self._calls)
        return tf.nn.experimental.stateless_dropout(x, self.rate, seed)


def _keep(x: tf.Tensor) -> tf.Tensor:
    return x


def forward(
    backbone: "keras_nlp.models.BertBackbone",
    ids: tf.Tensor,
    mask: tf.Tensor,
    segment_ids: tf.Tensor,
    dropout: Dropout | None = None,
    task_only: bool = False,
    table: tf.Tensor | None = None,
) -> States:
    """Runs BERT (Devlin et al. 2019, section 3; post-norm, tanh-approximated GELU).

    Args:
        backbone: whose variables are read, so gradients reach them.
        ids, mask, segment_ids: int32 [B, T].
        dropout: applied where BERT applies it, None for inference.
        task_only: the last block computes nothing but [CLS], which is all that the
            task layers read; what it leaves has one query.
        table: float32 [V, H], read instead of the backbone's embedding table.
    """
    drop = dropout or _keep
    tokens = tf.shape(ids)[1]
    if table is None:
        table = backbone.token_embedding.embeddings.value
    words = tf.gather(table, ids)
    positions = backbone.position_embedding.position_embeddings.value[:tokens]
    segments = tf.gather(backbone.segment_embedding.embeddings.value, segment_ids)
    embedding_sum = words + positions + segments  # [B, T, H]
    embedding_state = _norm(embedding_sum, backbone.embeddings_layer_norm)
    x = drop(embedding_state)
    # [B, 1, 1, T]
    bias = (1.0 - tf.cast(mask, x.dtype))[:, None, None, :] * _MASKED
    layers = []
    last = backbone.num_layers - 1
    for index, layer in enumerate(backbone.transformer_layers):
        queries = x[:, :1] if task_only and index == last else x
        states = _block(layer, queries, x, bias, drop)
        layers.append(states)
        x = states.output_state
    features = x[:, 0]
    pooler = backbone.pooled_dense
    pooled = tf.tanh(tf.matmul(features, pooler.kernel.value) + pooler.bias.value)
    return States(embedding_sum, embedding_state, layers, features, pooled)


def _block(
    layer, queries: tf.Tensor, x: tf.Tensor, bias: tf.Tensor, drop
) -> LayerStates:
    """One block over x [B, T, H], for the tokens of queries [B, Q, H]."""
    attention_layer = layer._self_attention_layer
    heads, size = attention_layer.query_dense.bias.shape
    hidden = x.shape[-1]

    def project(dense, source):
        kernel = tf.reshape(dense.kernel.value, [hidden, heads * size])
        y = _matmul(source, kernel) + tf.reshape(dense.bias.value, [heads * size])
        y = tf.reshape(y, [tf.shape(y)[0], tf.shape(y)[1], heads, size])
        return tf.transpose(y, [0, 2, 1, 3])  # [B, N, T, D]

    query = project(attention_layer.query_dense, queries) * size**-0.5
    key = project(attention_layer.key_dense, x)
    value = project(attention_layer.value_dense, x)
    # [B, N, Q, T]
    attention = tf.nn.softmax(tf.matmul(query, key, transpose_b=True) + bias)
    context = tf.matmul(drop(attention), value)  # [B, N, Q, D]
    context = tf.transpose(context, [0, 2, 1, 3])
    context = tf.reshape(
        context, [tf.shape(queries)[0], tf.shape(queries)[1], heads * size]
    )
    output = attention_layer.output_dense
    kernel = tf.reshape(output.kernel.value, [heads * size, hidden])
    attention_sum = queries + drop(_matmul(context, kernel) + output.bias.value)
    attention_state = _norm(attention_sum, layer._self_attention_layer_norm)
    neurons = tf.nn.gelu(
        _dense(attention_state, layer._feedforward_intermediate_dense),
        approximate=True,
    )  # [B, T, F]
    output_sum = attention_state + drop(
        _dense(neurons, layer._feedforward_output_dense)
    )
    output_state = _norm(output_sum, layer._feedforward_layer_norm)
    return LayerStates(
        query,
        key,
        value,
        attention,
        context,
        attention_sum,
        attention_state,
        neurons,
        output_sum,
        output_state,
    )


def _matmul(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """[B, T, I] times [I, O], as one product of rank 2."""
    flat = tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), kernel)
    return tf.reshape(flat, [tf.shape(x)[0], tf.shape(x)[1], kernel.shape[-1]])


def _dense(x: tf.Tensor, dense) -> tf.Tensor:
    return _matmul(x, dense.kernel.value) + dense.bias.value


def _norm(x: tf.Tensor, norm) -> tf.Tensor:
    mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
    return tf.nn.batch_normalization(
        x, mean, variance, norm.beta.value, norm.gamma.value, EPSILON
    )
