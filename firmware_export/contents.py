"""What a firmware is made of, as it comes out of a bundle."""

import dataclasses
from collections.abc import Sequence

from firmware_export.unicode_tables import SETS


@dataclasses.dataclass(frozen=True)
class GoldenVector:
    """A text, and what the host's TFLM makes of it.

    Attributes:
        text, pair: UTF-8 or any bytes; pair is None for a single text.
        ids: of its tokens, without padding.
        logits: int8, one a class.
        label: the class, None for regression.
        unknown: whether its probability is below the threshold.
    """

    text: bytes
    pair: bytes | None
    ids: Sequence[int]
    logits: Sequence[int]
    label: int | None
    unknown: bool = False


@dataclasses.dataclass(frozen=True)
class Contents:
    """A model with all that goes with it into a firmware.

    Attributes:
        model: the .tflite.
        operators: its operators, each with `name`, `version` and `types`, as the
            manifest's `ops`.
        pieces: the vocabulary in id order.
        labels: the classes in id order, empty for regression.
        max_tokens: the length of the model's inputs.
        pair: whether it classifies pairs of texts.
        temperature: divides the logits before the softmax.
        unknown_threshold: a text whose probability is below it is unknown; 0 for none.
        arena_bytes: the smallest arena on the host.
        golden: what the self test checks.
        unicode: which code points the tokenizer's tables know, one of SETS.
        unknown_label: what a text below the threshold is called; None for nothing.

    Raises:
        ValueError: an unknown set of tables.
    """

    model: bytes
    operators: Sequence[dict]
    pieces: Sequence[str]
    labels: Sequence[str]
    max_tokens: int
    pair: bool
    temperature: float
    unknown_threshold: float
    arena_bytes: int
    golden: Sequence[GoldenVector]
    unicode: str = "full"
    unknown_label: str | None = None

    def __post_init__(self):
        if self.unicode not in SETS:
            raise ValueError(f"unicode: {self.unicode!r}; accepted: {', '.join(SETS)}")

    @property
    def is_regression(self) -> bool:
        return not self.labels

    @property
    def classes(self) -> int:
        """Logits of the model."""
        return max(1, len(self.labels))

    @property
    def flags(self) -> int:
        """EI_BERT_FLAG_* of include/ei_bert/task.h."""
        tables = list(SETS).index(self.unicode)
        return int(self.pair) | int(self.is_regression) << 1 | tables << 8
