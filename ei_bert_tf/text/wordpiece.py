"""The one tokenizer of the project: text in, WordPiece ids out.

B texts, T tokens. The reference is Hugging Face `tokenizers`'
`BertWordPieceTokenizer(vocab.txt, lowercase=True)` with `encode_special_tokens`, so
that a literal "[SEP]" in a text is text. Teacher, student and firmware all use it.
"""

import dataclasses
import itertools
import pathlib
import re
from collections.abc import Sequence

import numpy as np
import tokenizers

# In strings of JSON, and no character that UTF-8 has.
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Texts that are encoded at once: the library keeps what it cuts off.
_ROWS = 4096
SPECIAL_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclasses.dataclass(frozen=True)
class Encoded:
    """Token ids of B texts, padded with [PAD] (id 0) to T.

    Attributes:
        ids: int32 [B, T].
        lengths: int32 [B], tokens of each row with the special ones.
        segment_ids: int32 [B, T], 1 for the second text of a pair and its [SEP].
    """

    ids: np.ndarray
    lengths: np.ndarray
    segment_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def mask(self) -> np.ndarray:
        """int32 [B, T], 1 for a token, 0 for padding."""
        positions = np.arange(self.ids.shape[1], dtype=np.int32)
        return (positions[None, :] < self.lengths[:, None]).astype(np.int32)

    def take(self, rows: np.ndarray) -> "Encoded":
        """The chosen rows (int or bool index [B])."""
        return Encoded(self.ids[rows], self.lengths[rows], self.segment_ids[rows])


class WordPiece:
    """Encodes texts with a vocabulary of uncased WordPiece pieces.

    Args:
        pieces: the vocabulary in id order; the five special pieces must be in it and
            [PAD] must be id 0.

    Raises:
        ValueError: a special piece is missing, [PAD] is not 0 or a piece repeats.
    """

    def __init__(self, pieces: Sequence[str]):
        self.pieces = list(pieces)
        self.ids = {piece: index for index, piece in enumerate(self.pieces)}
        if len(self.ids) != len(self.pieces):
            repeated = next(p for i, p in enumerate(self.pieces) if self.ids[p] != i)
            raise ValueError(f"vocabulary: piece {repeated!r} stands in it twice")
        missing = [piece for piece in SPECIAL_PIECES if piece not in self.ids]
        if missing:
            raise ValueError(f"vocabulary: lacks {', '.join(missing)}")
        if self.ids["[PAD]"] != 0:
            raise ValueError(f"vocabulary: [PAD] is id {self.ids['[PAD]']}, not 0")
        tokenizer = tokenizers.BertWordPieceTokenizer(self.ids, lowercase=True)
        self._tokenizer = tokenizer._tokenizer
        self._tokenizer.encode_special_tokens = True

    @classmethod
    def load(cls, path: str | pathlib.Path) -> "WordPiece":
        """Reads a vocab.txt: one piece a line, line number = id."""
        lines = pathlib.Path(path).read_bytes().decode("utf-8").split("\n")
        if lines and not lines[-1]:
            lines.pop()
        return cls([line.rstrip("\r") for line in lines])

    def save(self, path: str | pathlib.Path) -> None:
        """Writes vocab.txt, one piece a line."""
        text = "".join(piece + "\n" for piece in self.pieces)
        pathlib.Path(path).write_bytes(text.encode("utf-8"))

    def encode(
        self,
        texts: Sequence[str],
        pairs: Sequence[str] | None,
        max_tokens: int,
    ) -> Encoded:
        """Encodes texts, or pairs cut `longest_first`, to max_tokens ids a row.

        Half a surrogate pair becomes U+FFFD, as bytes that are no UTF-8 do.
        """
        self._tokenizer.enable_truncation(max_tokens, strategy="longest_first")
        batch: list = [LONE_SURROGATE.sub("\ufffd", text) for text in texts]
        if pairs is not None:
            seconds = [LONE_SURROGATE.sub("\ufffd", text) for text in pairs]
            batch = list(zip(batch, seconds, strict=True))
        shape = (len(batch), max_tokens)
        ids = np.zeros(shape, np.int32)
        segment_ids = np.zeros(shape, np.int32)
        lengths = np.zeros(len(batch), np.int32)
        encodings = itertools.chain.from_iterable(
            self._tokenizer.encode_batch_fast(batch[start : start + _ROWS])
            for start in range(0, len(batch), _ROWS)
        )
        for row, encoding in enumerate(encodings):
            count = len(encoding.ids)
            ids[row, :count] = encoding.ids
            segment_ids[row, :count] = encoding.type_ids
            lengths[row] = count
        return Encoded(ids, lengths, segment_ids)

    def segmentation(self, encoded: Encoded) -> dict[str, float]:
        """What the vocabulary makes of texts: `mean_tokens` of a text, the special ones
        included, and `unknown_share` of the tokens that are [UNK]."""
        tokens = int(encoded.lengths.sum())
        unknown = encoded.ids == self.ids["[UNK]"]
        return {
            "mean_tokens": tokens / len(encoded),
            "unknown_share": int(unknown.sum()) / tokens,
        }
