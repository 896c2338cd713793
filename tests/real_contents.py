"""Contents of a firmware with a real, tiny model, and what TFLM makes of it."""

import functools

import numpy as np

from ei_bert_tf.conversion.conformance import operators
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.evaluation.calibration import probabilities
from ei_bert_tf.evaluation.runtimes import open_runtime
from ei_bert_tf.text.wordpiece import SPECIAL_PIECES, WordPiece
from firmware_export.contents import Contents, GoldenVector
from tests.tiny_contents import tiny_contents
from tests.tiny_models import TOKENS, VOCABULARY_SIZE, tiny_tflite

TEXTS = [b"on", b"off offs", b"", b"x on \xff", "\u00f6n off off off off off".encode()]
TEMPERATURE = 0.7


@functools.cache
def real_contents(outputs: int, pair: bool, first_piece: str = "on") -> Contents:
    """A real .tflite with its golden vectors; one output is a regression."""
    model = tiny_tflite(outputs=outputs, pair=pair)
    pieces = [*SPECIAL_PIECES, first_piece, "off", "##s", "x"]
    pieces += [f"more{number}" for number in range(VOCABULARY_SIZE - len(pieces))]
    pairs = [text.decode("utf-8", "replace") for text in TEXTS[::-1]] if pair else None
    texts = [text.decode("utf-8", "replace") for text in TEXTS]
    encoded = WordPiece(pieces).encode(texts, pairs, TOKENS)
    engine = open_runtime("tflm", model)
    logits = engine.logits(encoded)
    rows = probabilities(engine.dequantize(logits), TEMPERATURE).max(axis=1)
    # Between two of the texts, so that some are unknown and some are not.
    threshold = np.sort(rows)[1:3].mean() if outputs > 1 else 0.0
    vectors = [
        GoldenVector(
            text,
            TEXTS[::-1][row] if pair else None,
            encoded.ids[row][: encoded.lengths[row]].tolist(),
            logits[row].tolist(),
            int(logits[row].argmax()) if outputs > 1 else None,
            bool(rows[row] < threshold),
        )
        for row, text in enumerate(TEXTS)
    ]
    return tiny_contents(
        model=model,
        operators=operators(model),
        pieces=pieces,
        labels=[f"label {number}" for number in range(outputs)] if outputs > 1 else (),
        max_tokens=TOKENS,
        pair=pair,
        temperature=TEMPERATURE,
        unknown_threshold=threshold,
        arena_bytes=smallest_arena_bytes(model),
        golden=vectors,
    )
