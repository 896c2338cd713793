"""What a still teacher's tokens say: the losses of the methods layerwise and relation.

B batch, T tokens, W words, N heads, D head size, H student hidden size, Ht teacher
hidden size. Teacher and student read their own ids, so only tokens that begin the same
word are compared (text/words.py).
"""

import abc
from collections.abc import Mapping

import numpy as np

from ei_bert_tf.compat import tf
from ei_bert_tf.distillation.lessons import teacher_batch, teacher_extras
from ei_bert_tf.losses import divergence
from ei_bert_tf.recipe import Recipe, StudentConfig
from ei_bert_tf.student.encoder import norm_output
from ei_bert_tf.student.slicing import Slice
from ei_bert_tf.teacher.backbone import Teacher
from ei_bert_tf.teacher.forward import States, forward
from ei_bert_tf.text.wordpiece import Encoded
from ei_bert_tf.text.words import WordPairs

_MASKED = -1e9


class TokenLessons(abc.ABC):
    """A still teacher that reads along with the student.

    Args:
        teacher: fine-tuned.
        config: the student's shape.
        recipe: the losses' weights.
        cut: which of the teacher's blocks and heads the student's correspond to.
        encoded: N texts in the teacher's ids.
        words: their words' first pieces.

    Attributes:
        taps: names of the student's layers whose outputs the loss reads.
        extras: arrays [N, ...] that must travel with the texts.
        variables: what the loss itself learns.
    """

    taps: list[str]

    def __init__(
        self,
        teacher: Teacher,
        config: StudentConfig,
        recipe: Recipe,
        cut: Slice,
        encoded: Encoded,
        words: WordPairs,
    ):
        self.teacher = teacher
        self.config = config
        self.recipe = recipe
        self.cut = cut
        self.extras: dict[str, np.ndarray] = {
            "student_words": words.student,
            "teacher_words": words.teacher,
            **teacher_extras(encoded),
        }
        self.variables: list[tf.Variable] = []

    def loss(self, tapped: Mapping[str, tf.Tensor], batch: dict) -> tf.Tensor:
        """The weighted loss of a batch, a scalar.

        Args:
            tapped: outputs of the layers in `taps`.
            batch: of text/batches.py with the extras.
        """
        own = teacher_batch(batch)
        states = forward(
            self.teacher.backbone, own["ids"], own["mask"], own["segment_ids"]
        )
        count = tf.reduce_max(tf.reduce_sum(_known(batch["student_words"]), axis=1))
        student_words = batch["student_words"][:, :count]  # [B, W]
        known = tf.cast(_known(student_words), tf.float32)
        words = (
            tf.cast(tf.maximum(student_words, 0), tf.int32),
            tf.cast(tf.maximum(batch["teacher_words"][:, :count], 0), tf.int32),
        )
        return self._loss(tapped, states, words, known)

    @abc.abstractmethod
    def _loss(
        self,
        tapped: Mapping[str, tf.Tensor],
        states: States,
        words: tuple[tf.Tensor, tf.Tensor],
        known: tf.Tensor,
    ) -> tf.Tensor:
        """The same of the first pieces: words [B, W] of student and teacher, of which
        those count whose known [B, W] is 1."""


class Layerwise(TokenLessons):
    """Token states and attention scores of every kept block (TinyBERT, Jiao et al.
    2020, equations 7 to 9).

    hidden_weight * sum over states of MSE(S M + c, Z) + attention_weight * sum over
    blocks of MSE(q k', Q K'), with S the student's and Z the teacher's states behind
    the embedding and each block but the last, whose [CLS] the features have. M [H, Ht]
    is learned as in TinyBERT; ours is that it starts as the transposed basis and that
    scores are those of the heads that the student was cut from. S is without the
    norm's shift, which the exported form has not; c [Ht] of each state stands for it
    and starts as it does.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.transform = tf.Variable(self.cut.basis.T, name="transform")
        # The norms behind the embedding and each feed-forward but the last.
        shifts = [shift for _, shift in self.cut.norms[:-1:2]]
        offsets = np.stack(shifts) @ self.cut.basis.T
        self.offsets = tf.Variable(offsets.astype(np.float32), name="offsets")
        self.variables = [self.transform, self.offsets]
        blocks = range(self.config.layers)
        norms = [f"block_{index}_feed_forward_norm" for index in blocks[:-1]]
        self._states = [
            norm_output(norm, self.config) for norm in ("embedding_norm", *norms)
        ]
        self._heads = [
            (f"block_{i}_query_heads", f"block_{i}_key_heads") for i in blocks
        ]
        self.taps = [*self._states, *(name for pair in self._heads for name in pair)]

    def _loss(self, tapped, states, words, known):
        teacher_states = [states.embedding_state] + [
            states.layers[block].output_state for block in self.cut.blocks[:-1]
        ]
        hidden, attention = 0.0, 0.0
        pairs = zip(self._states, teacher_states, strict=True)
        for place, (name, state) in enumerate(pairs):
            mine = tf.gather(tapped[name], words[0], batch_dims=1)  # [B, W, H]
            theirs = tf.gather(state, words[1], batch_dims=1)  # [B, W, Ht]
            mine = tf.tensordot(mine, self.transform, 1) + self.offsets[place]
            error = tf.reduce_mean(tf.square(mine - theirs), axis=-1)
            hidden += _mean(error, known)
        for index, (query, key) in enumerate(self._heads):
            layer = states.layers[self.cut.blocks[index]]
            chosen = self.cut.heads[index]
            last = index == self.config.layers - 1
            rows = _queries(known, last)
            mine = _scores(tapped[query], tapped[key], words[0], last)
            theirs = _scores(
                tf.gather(layer.query, chosen, axis=1),
                tf.gather(layer.key, chosen, axis=1),
                words[1],
                last,
            )
            error = tf.reduce_mean(tf.square(mine - theirs), axis=1)  # [B, Q, W]
            attention += _mean(error, rows[:, :, None] * known[:, None, :])
        return (
            self.recipe.hidden_weight * hidden
            + self.recipe.attention_weight * attention
        )


class Relation(TokenLessons):
    """Relations between tokens in the last block (MiniLMv2, Wang et al. 2021, section
    3.1: as many relation heads as the student has, whatever the teacher has).

    relation_weight * mean of KL(teacher || student) over the relations key-key,
    value-value and query-key, the last for [CLS] alone, because the student computes
    no other query behind its last attention.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        name = f"block_{self.config.layers - 1}"
        self.taps = [f"{name}_{role}_heads" for role in ("query", "key", "value")]

    def _loss(self, tapped, states, words, known):
        layer = states.layers[self.cut.blocks[-1]]
        heads = self.config.heads
        theirs, mine = [], []
        for role, name in zip(("query", "key", "value"), self.taps, strict=True):
            last = role == "query"
            taught = _of_words(getattr(layer, role), _queries(words[1], last))
            theirs.append(_relation_heads(taught, heads))
            learnt = _of_words(tapped[name], _queries(words[0], last))
            mine.append(_relation_heads(learnt, heads))
        # Attention's own scale lies in both queries.
        mine[0] = mine[0] * self.config.head_size**0.5
        theirs[0] = theirs[0] * float(layer.query.shape[-1]) ** 0.5
        total = 0.0
        for first, second in ((0, 1), (1, 1), (2, 2)):
            distance = divergence(
                _relation(theirs[first], theirs[second], known),
                _relation(mine[first], mine[second], known),
            )  # [B, N, Q]
            distance = tf.reduce_mean(distance, axis=1)
            total += _mean(distance, _queries(known, first == 0))
        return self.recipe.relation_weight * total / 3.0


TOKEN_LESSONS = {"layerwise": Layerwise, "relation": Relation}


def _known(words: tf.Tensor) -> tf.Tensor:
    """int32 [B, W], 1 where there is a word."""
    return tf.cast(words >= 0, tf.int32)


def _mean(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values * weights) / tf.maximum(tf.reduce_sum(weights), 1.0)


def _queries(words: tf.Tensor, last: bool) -> tf.Tensor:
    """[B, W], or [CLS] alone [B, 1], the only query of the student's last block."""
    return words[:, :1] if last else words


def _of_words(x: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
    """[B, N, T, D] to [B, N, W, D]."""
    x = tf.gather(tf.transpose(x, [0, 2, 1, 3]), words, batch_dims=1)
    return tf.transpose(x, [0, 2, 1, 3])


def _scores(
    query: tf.Tensor, key: tf.Tensor, words: tf.Tensor, last: bool
) -> tf.Tensor:
    """Attention scores [B, N, Q, W] between words."""
    return tf.matmul(
        _of_words(query, _queries(words, last)), _of_words(key, words), transpose_b=True
    )


def _relation_heads(x: tf.Tensor, heads: int) -> tf.Tensor:
    """[B, N, W, D] to [B, heads, W, N * D / heads]."""
    width = x.shape[1] * x.shape[3] // heads
    x = tf.transpose(x, [0, 2, 1, 3])  # [B, W, N, D]
    x = tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1], heads, width])
    return tf.transpose(x, [0, 2, 1, 3])


def _relation(first: tf.Tensor, second: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """Log probabilities [B, N, Q, W] of scaled dot products, over known words."""
    scores = tf.matmul(first, second, transpose_b=True)
    scores *= float(first.shape[-1]) ** -0.5
    return tf.nn.log_softmax(scores + (1.0 - known)[:, None, None, :] * _MASKED)
