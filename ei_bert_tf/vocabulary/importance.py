"""Attention received: how much each piece of the vocabulary matters to the teacher.

B batch, N heads, T tokens, V pieces. EI-BERT's hard token pruning: the attention that
a token receives from the others, over layers, heads and sentences, is its importance.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.teacher.backbone import Teacher
from ei_bert_tf.teacher.forward import forward
from ei_bert_tf.text.batches import batches
from ei_bert_tf.text.wordpiece import Encoded

_BATCH = 64


def piece_scores(keep_by: str, attention: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """What the keep list goes by, float64 [V], 0 for pieces that the corpus lacks.

    Args:
        keep_by: one of recipe.KEEP_BY. Received attention is a sum over occurrences, so
            `attention` goes by frequency too; `frequency` goes by nothing else.
        attention: float64 [V] of attention_importance.
        counts: int [V], occurrences.
    """
    if keep_by == "frequency":
        return counts.astype(np.float64)
    if keep_by == "both":
        return attention * counts
    return attention


def with_stand_ins(
    scores: np.ndarray,
    pieces: Sequence[str],
    neighbours: Mapping[str, Sequence[str]],
    replacements: float,
) -> np.ndarray:
    """The scores over the texts and the copies in which neighbours stand for words.

    score(v) += sum over words w with the neighbour v of
                replacements * score(w) / number of w's neighbours,

    which is what v gets in expectation when it is looked at as w was (ours).

    Args:
        scores: float64 [V] of the pieces of the texts.
        pieces: the vocabulary in id order.
        neighbours: of each word that gives way.
        replacements: how often a word's place is given away, for each time it stands in
            a text: copies times the share of words.

    Returns:
        float64 [V], above 0 for neighbours that the texts lack too.
    """
    index = {piece: number for number, piece in enumerate(pieces)}
    found = scores.copy()
    for word, near in neighbours.items():
        for other in near:
            found[index[other]] += replacements * scores[index[word]] / len(near)
    return found


def attention_importance(teacher: Teacher, encoded: Encoded) -> np.ndarray:
    """Score of every piece of the teacher's vocabulary.

    importance(v) = sum over sentences s, positions j with token v, layers l, heads n
    and queries i (tokens, not padding) of A[s, l, n, i, j] / (layers * heads).

    Summing over sentences, not averaging, is our reading of "aggregated": a piece
    scores high when it is often there and when it is looked at.

    Returns:
        float64 [V].
    """
    dataset = batches(encoded, {}, _BATCH)
    vocabulary_size = len(teacher.tokenizer.pieces)
    blocks = teacher.backbone.num_layers

    @tf.function(input_signature=[dataset.element_spec], autograph=False)
    def received(batch):
        states = forward(
            teacher.backbone, batch["ids"], batch["mask"], batch["segment_ids"]
        )
        queries = tf.cast(batch["mask"], tf.float32)[:, None, :, None]
        total = tf.add_n(
            [
                tf.reduce_mean(tf.reduce_sum(layer.attention * queries, axis=2), axis=1)
                for layer in states.layers
            ]
        )  # [B, T]
        return total / blocks * tf.cast(batch["mask"], tf.float32)

    scores = np.zeros(vocabulary_size, np.float64)
    for batch in dataset:
        np.add.at(scores, batch["ids"].numpy(), received(batch).numpy())
    return scores
