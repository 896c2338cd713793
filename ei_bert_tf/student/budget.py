"""Chooses a student's shape for the limits of a device.

Shapes are enumerated, what breaks a limit is dropped, the rest is ranked by
quality.py. Bytes, flash and multiply-accumulates are predicted; the arena is measured,
on an untrained student of the shape.
"""

import dataclasses
import itertools
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from ei_bert_tf.errors import InputError
from ei_bert_tf.recipe import CODE_DIMENSIONS, EMBEDDING_FORMS, StudentConfig
from ei_bert_tf.student.costs import (
    TRIE_PIECE_BYTES,
    flash_bytes,
    multiply_accumulates,
)
from ei_bert_tf.student.quality import predicted_loss
from ei_bert_tf.student.sizing import HIDDEN_SIZES, MARGIN, model_bytes, piece_bytes

_MOST_LAYERS = 4
# A single block, or fewer pieces for each dimension of H, are far from all that the
# guess of the loss was fitted to: there it is taken this many times.
_LEAST_PIECES = 12
_UNFAMILIAR = 2.0
_BLOCK_ARENA_BYTES = 9_000  # TFLM's structures for the operators of a block.
# So far above the limit a rough size has to be for its shape not to be measured.
_ROUGHNESS = 1.05


@dataclasses.dataclass(frozen=True)
class Limits:
    """Of a device; 0 is no limit. Names are those of the flags."""

    max_model_bytes: int
    max_flash_bytes: int = 0
    max_macs: int = 0
    max_arena_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A shape with what it is predicted to cost.

    Attributes:
        loss: of quality.predicted_loss, more for unfamiliar shapes.
    """

    config: StudentConfig
    model_bytes: int
    flash_bytes: int
    macs: int
    loss: float

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Solution:
    """What was found.

    Attributes:
        candidates: the best that fit, each of another width, number of blocks or form,
            the best first.
        chosen: one of them: the first, until trials have found a better one.
        front: those than which nothing is both smaller and better, by bytes.
        fitting, all: how many shapes fit but for the arena, and how many there are.
    """

    candidates: list[Candidate]
    chosen: Candidate
    front: list[Candidate]
    fitting: int
    all: int

    def to_json(self) -> dict[str, Any]:
        return {
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "chosen": self.chosen.to_json(),
            "front": [candidate.to_json() for candidate in self.front],
            "fitting": self.fitting,
            "all": self.all,
        }


def solve(
    limits: Limits,
    smallest_vocabulary: int,
    largest_vocabulary: int,
    teacher: Mapping[str, int],
    measure_arena: Callable[[StudentConfig], int],
    count: int = 1,
    too_large: Mapping[StudentConfig, int] | None = None,
    **fixed: Any,
) -> Solution:
    """The shape to train, or several to choose from.

    Args:
        smallest_vocabulary, largest_vocabulary: pieces that have to stay, and that the
            corpus uses.
        teacher: sizes of the teacher as in quality.py, without `vocabulary`, and its
            `head_size`.
        measure_arena: bytes of a shape, asked only where there is a limit.
        count: how many candidates at most.
        too_large: arena bytes of shapes that are known to break the limit.
        fixed: max_tokens, outputs, norm, attention_form, weight_scales and pair of
            the StudentConfig.

    Raises:
        InputError: nothing fits; says which limit is to blame, and the nearest.
    """
    largest_vocabulary = max(largest_vocabulary, smallest_vocabulary)
    teacher = {**teacher, "vocabulary": largest_vocabulary}
    shapes = [
        _candidate(_filled(shape, limits, largest_vocabulary), teacher)
        for shape in _shapes(smallest_vocabulary, teacher, fixed)
    ]
    fitting = sorted(
        (shape for shape in shapes if not _broken(shape, limits)),
        key=lambda shape: (shape.loss, shape.model_bytes),
    )
    if not fitting:
        raise InputError(_blame(shapes, limits))
    found = _first_in_arena(
        fitting, limits.max_arena_bytes, measure_arena, count, too_large or {}
    )
    return Solution(found, found[0], _front(fitting), len(fitting), len(shapes))


def _shapes(
    vocabulary: int, teacher: Mapping[str, int], fixed: dict[str, Any]
) -> list[StudentConfig]:
    """All shapes, with the smallest vocabulary."""
    found = []
    hidden_sizes = [size for size in HIDDEN_SIZES if size <= teacher["hidden"]]
    for hidden, layers, half, factor, part, form in itertools.product(
        hidden_sizes or [teacher["hidden"]],
        range(1, min(_MOST_LAYERS, teacher["layers"]) + 1),
        (1, 2),  # All heads that fill H, or half as many.
        (2, 3, 4),  # F / H
        (2, 4),  # H / E
        EMBEDDING_FORMS,
    ):
        unit = CODE_DIMENSIONS if form == "product" else 1
        shape = StudentConfig(
            vocabulary_size=vocabulary,
            layers=layers,
            hidden_size=hidden,
            embedding_size=unit * max(1, -(-hidden // (part * unit))),
            heads=min(
                teacher["heads"], max(1, hidden // (half * teacher["head_size"]))
            ),
            head_size=teacher["head_size"],
            feed_forward_size=min(teacher["feed_forward"], factor * hidden),
            task_size=teacher["hidden"],
            embedding_form=form,
            **fixed,
        )
        found.append(shape)
        if layers > 1:
            found.append(dataclasses.replace(shape, distinct_blocks=1))
    return list(dict.fromkeys(found))


def _filled(shape: StudentConfig, limits: Limits, largest: int) -> StudentConfig:
    """With as many pieces as the limits on bytes leave room for."""
    room = int(limits.max_model_bytes / MARGIN) - model_bytes(shape)
    more = room // piece_bytes(shape)
    if limits.max_flash_bytes:
        room = int(limits.max_flash_bytes / MARGIN) - flash_bytes(shape)
        more = min(more, int(room // (piece_bytes(shape) + TRIE_PIECE_BYTES)))
    size = min(largest, shape.vocabulary_size + max(0, more))
    filled = dataclasses.replace(shape, vocabulary_size=size)
    # The codebooks of few pieces grow with them.
    while _over(filled, limits) and filled.vocabulary_size > shape.vocabulary_size:
        less = max(shape.vocabulary_size, filled.vocabulary_size - 64)
        filled = dataclasses.replace(filled, vocabulary_size=less)
    return filled


def _over(shape: StudentConfig, limits: Limits) -> bool:
    flash = limits.max_flash_bytes
    return model_bytes(shape) * MARGIN > limits.max_model_bytes or bool(
        flash and flash_bytes(shape) * MARGIN > flash
    )


def _candidate(config: StudentConfig, teacher: Mapping[str, int]) -> Candidate:
    pieces = min(_LEAST_PIECES * config.hidden_size, teacher["vocabulary"])
    familiar = config.layers > 1 and config.vocabulary_size >= pieces
    return Candidate(
        config,
        model_bytes(config),
        flash_bytes(config),
        multiply_accumulates(config),
        predicted_loss(config, teacher) * (1 if familiar else _UNFAMILIAR),
    )


def _needs(candidate: Candidate) -> dict[str, int]:
    """By limit what has to be allowed for it."""
    return {
        "max_model_bytes": int(candidate.model_bytes * MARGIN) + 1,
        "max_flash_bytes": int(candidate.flash_bytes * MARGIN) + 1,
        "max_macs": candidate.macs,
    }


def _broken(candidate: Candidate, limits: Limits) -> dict[str, float]:
    """By limit how many times too much it needs."""
    found = {}
    for name, needed in _needs(candidate).items():
        limit = getattr(limits, name)
        if limit and needed > limit:
            found[name] = needed / limit
    return found


def _blame(shapes: list[Candidate], limits: Limits) -> str:
    """Why nothing fits: limits that no shape meets, or that none meets together."""
    alone = {
        name: min(_needs(shape)[name] for shape in shapes)
        for name in ("max_model_bytes", "max_flash_bytes", "max_macs")
        if getattr(limits, name)
    }
    blamed = [name for name, least in alone.items() if least > getattr(limits, name)]
    if blamed:
        return "; ".join(
            f"--{name}={getattr(limits, name)}: no student is so small; the smallest "
            f"for this task needs {alone[name]}"
            for name in blamed
        )
    nearest = min(shapes, key=lambda shape: max(_broken(shape, limits).values()))
    given = " ".join(f"--{name}={getattr(limits, name)}" for name in alone)
    needed = ", ".join(f"{name} {_needs(nearest)[name]}" for name in alone)
    return f"{given}: no student meets them together; the nearest needs {needed}"


def _first_in_arena(
    ranked: list[Candidate],
    limit: int,
    measure_arena: Callable[[StudentConfig], int],
    count: int,
    known: Mapping[StudentConfig, int],
) -> list[Candidate]:
    """The best whose arena fits, as many as asked for if there are so many kinds.

    A measurement takes seconds. So a shape is passed over when it is nowhere smaller
    than one that was too large, or when the rough size, corrected by the last
    measurement, is above the limit.
    """
    found: dict[tuple, Candidate] = {}
    too_large = [_arena_sizes(config) for config in known]
    correction = min(
        (needed / _rough_arena(config) for config, needed in known.items()),
        default=math.inf,
    )
    for candidate in ranked:
        if len(found) == count:
            break
        kind = _kind(candidate.config)
        if kind in found:
            continue
        if not limit:
            found[kind] = candidate
            continue
        sizes, rough = _arena_sizes(candidate.config), _rough_arena(candidate.config)
        if too_large and rough * correction > _ROUGHNESS * limit:
            continue
        if any(all(map(operator.ge, sizes, large)) for large in too_large):
            continue
        needed = measure_arena(candidate.config)
        if needed <= limit:
            found[kind] = candidate
            continue
        too_large.append(sizes)
        correction = min(correction, needed / rough)
    if found:
        return list(found.values())
    least = min(ranked, key=lambda candidate: _rough_arena(candidate.config))
    needed = measure_arena(least.config)
    if needed <= limit:
        return [least]
    raise InputError(
        f"--max_arena_bytes={limit}: every student that meets the other limits needs "
        f"more; the smallest needs {needed}, a smaller --max_seq_length less"
    )


def _kind(config: StudentConfig) -> tuple:
    """Candidates that agree in this are too alike to be worth a trial each."""
    return (
        config.layers,
        config.hidden_size,
        config.distinct_blocks,
        config.embedding_form,
    )


def _arena_sizes(config: StudentConfig) -> tuple[int, ...]:
    """What the arena follows from, all of it growing."""
    return (
        config.layers,
        config.hidden_size,
        config.embedding_size,
        config.heads,
        config.feed_forward_size,
        EMBEDDING_FORMS.index(config.embedding_form),
    )


def _rough_arena(config: StudentConfig) -> int:
    """The activations that are alive in attention or in the feed-forward, and what
    TFLM keeps for each operator: 11 % too little at 1.0 MB with 32 and 64 tokens."""
    tokens, hidden = config.max_tokens, config.hidden_size
    width = config.heads * config.head_size
    attention = 2 * config.heads * tokens**2 + tokens * (2 * width + hidden)
    feed_forward = tokens * (config.feed_forward_size + 2 * hidden)
    return max(attention, feed_forward) + _BLOCK_ARENA_BYTES * config.layers


def _front(ranked: list[Candidate]) -> list[Candidate]:
    """Of candidates, the best first: those than which none better is smaller."""
    front: list[Candidate] = []
    for candidate in ranked:
        if not front or candidate.model_bytes < front[-1].model_bytes:
            front.append(candidate)
    return front[::-1]
