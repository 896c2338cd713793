"""The tokenizer of a firmware folder, compiled for this machine and called.

T tokens.
"""

import ctypes
import pathlib
from collections.abc import Sequence

import numpy as np

from ei_bert_tf.text.wordpiece import Encoded
from tests.compiled_firmware import compiled


class CompiledTokenizer:
    """`ei_bert_tokenize` of the C sources in `firmware/src`.

    Args:
        firmware: folder that write_firmware left.
        compiler: `cc` or another C compiler.
    """

    def __init__(self, firmware: pathlib.Path, compiler: str = "cc"):
        self._call = compiled(firmware, compiler).ei_bert_tokenize
        text = [ctypes.c_char_p, ctypes.c_size_t]
        self._call.argtypes = [*text, *text, *[ctypes.c_void_p] * 3, ctypes.c_size_t]
        self._call.restype = ctypes.c_int32

    def tokenize(
        self, text: bytes, pair: bytes | None, max_tokens: int
    ) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """What it returns and writes: ids, mask and segment ids, int32 [T] each."""
        # What is not written stays -7.
        ids, mask, segment_ids = np.full((3, max_tokens), -7, np.int32)
        returned = self._call(
            text,
            len(text),
            pair,
            0 if pair is None else len(pair),
            ids.ctypes.data,
            mask.ctypes.data,
            segment_ids.ctypes.data,
            max_tokens,
        )
        return returned, ids, mask, segment_ids

    def first_difference(
        self,
        expected: Encoded,
        texts: Sequence[bytes],
        pairs: Sequence[bytes] | None,
    ) -> tuple | None:
        """The first text, with its pair, of which C makes something else."""
        masks = expected.mask
        for row, text in enumerate(texts):
            pair = None if pairs is None else pairs[row]
            found = self.tokenize(text, pair, expected.ids.shape[1])
            wanted = (expected.ids[row], masks[row], expected.segment_ids[row])
            if found[0] != expected.lengths[row] or not all(
                np.array_equal(a, b) for a, b in zip(found[1:], wanted, strict=True)
            ):
                return text, pair, found[1].tolist(), wanted[0].tolist()
        return None
