"""A student and its tokenizer kept open: text in, int8 logits out.

T tokens, C outputs.
"""

import pathlib
from collections.abc import Sequence

import numpy as np

from ei_bert_tf.evaluation.runtimes import Runtime
from ei_bert_tf.text.wordpiece import Encoded, WordPiece


def encode_rows(
    tokenizer: WordPiece, rows: Sequence[Sequence[str]], max_tokens: int
) -> Encoded:
    """Encodes rows of one text, or of a text and its pair."""
    texts, *pairs = zip(*rows, strict=True)
    return tokenizer.encode(texts, pairs[0] if pairs else None, max_tokens)


class Classifier:
    """What a service calls for each text.

    Args:
        engine: with the model; one thread at a time may use it.
        tokenizer: with the model's vocabulary; threads may share it.
        max_tokens: the model's T.
    """

    def __init__(self, engine: Runtime, tokenizer: WordPiece, max_tokens: int):
        self._engine = engine
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens

    def tokenize(self, text: Sequence[str]) -> dict[int, np.ndarray]:
        """A text, or a text and its pair, as int32 [1, T] by tensor number."""
        encoded = encode_rows(self._tokenizer, [text], self._max_tokens)
        return self._engine.inputs(encoded, 0)

    def infer(self, inputs: dict[int, np.ndarray]) -> np.ndarray:
        """Int8 logits [C] of what `tokenize` gave."""
        return self._engine.run(inputs)

    def __call__(self, text: Sequence[str]) -> np.ndarray:
        """Int8 logits [C] of a text, or of a text and its pair."""
        return self.infer(self.tokenize(text))


def model_files(folder: pathlib.Path) -> tuple[bytes, pathlib.Path]:
    """A bundle's model, and the path of its vocabulary."""
    return (folder / "model.tflite").read_bytes(), folder / "vocab.txt"
