"""How far two engines agree on one model: in its decisions, and op by op.

N rows, C outputs.
"""

import dataclasses

import numpy as np

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.conformance import ConformanceError
from ei_bert_tf.evaluation.runtimes import LiteRt, Tflm
from ei_bert_tf.text.wordpiece import Encoded


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """The share of rows on which two engines' logits [N, C] decide alike.

    Alike = the same argmax; for one output (regression), the same value.

    Raises:
        ValueError: the shapes differ, or there is no row.
    """
    if a.shape != b.shape or a.ndim != 2 or len(a) == 0:
        raise ValueError(
            f"agreement: logits of shapes {a.shape} and {b.shape}; two of one shape "
            "[N, C] with N > 0 are accepted"
        )
    if a.shape[1] == 1:
        return float(np.mean(a[:, 0] == b[:, 0]))
    return float(np.mean(a.argmax(axis=1) == b.argmax(axis=1)))


def check_same_logits(model: bytes, rewritten: bytes, encoded: Encoded) -> None:
    """Refuses a file that TFLM gets other logits from than from the one it came of.

    Raises:
        ConformanceError: with the number of texts.
    """
    first, second = (Tflm(x).logits(encoded) for x in (model, rewritten))
    different = int(np.count_nonzero((first != second).any(axis=1)))
    if different:
        raise ConformanceError(
            f"model: {different} of {len(encoded)} texts get other logits in TFLM than "
            "before its weights became tables"
        )


@dataclasses.dataclass
class _Count:
    """What was compared of one kind of op."""

    tensors: int = 0
    elements: int = 0
    different: int = 0
    max_steps: int = 0


def operator_differences(model: bytes, encoded: Encoded) -> list[dict]:
    """Compares every op's outputs between TFLM and LiteRT's reference kernels.

    Each engine feeds its own results on, so an op also repeats differences of those
    before it.

    Args:
        model: the .tflite.
        encoded: rows of the model's T tokens.

    Returns:
        One {"op", "tensors", "elements", "different_share", "max_steps"} a kind of
        op, sorted by name: output tensors in the file, elements compared over all
        rows, the share of them that differ, and the largest difference.

    Raises:
        ValueError: there is no row to compare.
    """
    if len(encoded) == 0:
        raise ValueError("operator differences: no row to compare")
    micro = Tflm(model, preserve_all_tensors=True)
    reference = LiteRt(model, reference=True, preserve_all_tensors=True)
    parsed = flatbuffer.parse_model(model)
    outputs = [
        (flatbuffer.operator_name(parsed, operator), index)
        for operator in parsed.subgraphs[0].operators
        for index in flatbuffer.tensor_indexes(operator.outputs)
    ]
    counts: dict[str, _Count] = {}
    for name, _ in outputs:
        counts.setdefault(name, _Count()).tensors += 1
    for row in range(len(encoded)):
        one = encoded.take(np.array([row]))
        micro.logits(one)
        reference.logits(one)
        for name, index in outputs:
            # int64: the difference of two int32 does not fit into int32.
            steps = np.abs(
                micro.tensor(index).astype(np.int64).reshape(-1)
                - reference.tensor(index).astype(np.int64).reshape(-1)
            )
            count = counts[name]
            count.elements += steps.size
            count.different += int(np.count_nonzero(steps))
            count.max_steps = max(count.max_steps, int(steps.max()))
    return [
        {
            "op": name,
            "tensors": count.tensors,
            "elements": count.elements,
            "different_share": count.different / count.elements,
            "max_steps": count.max_steps,
        }
        for name, count in sorted(counts.items())
    ]
