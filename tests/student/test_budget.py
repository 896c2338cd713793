"""Shapes for the limits of a device."""

import dataclasses
import json

import numpy as np
import pytest

from benchmarks.fit_quality import fitted, runs
from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.errors import InputError
from ei_bert_tf.preparation import untrained_model
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.budget import Limits, solve
from ei_bert_tf.student.costs import multiply_accumulates
from ei_bert_tf.student.quality import RECORD, predicted_loss

TEACHER = {
    "hidden": 384,
    "heads": 12,
    "head_size": 32,
    "feed_forward": 1536,
    "layers": 6,
}


def solved(measure_arena=None, count=1, too_large=None, **limits):
    return solve(
        Limits(**{"max_model_bytes": 1_000_000, **limits}),
        600,
        8000,
        TEACHER,
        measure_arena or (lambda config: 0),
        count=count,
        too_large=too_large,
        max_tokens=64,
        outputs=7,
    )


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 3])
def test_multiply_accumulates_are_those_of_the_file(layers):
    config = StudentConfig(
        37, 13, layers, 12, 8, 2, 5, 14, 20, 3, embedding_form="product"
    )
    model = flatbuffer.parse_model(untrained_model(config, 0))
    graph, count = model.subgraphs[0], 0
    for operator in graph.operators:
        if flatbuffer.operator_name(model, operator) == "FULLY_CONNECTED":
            result = graph.tensors[operator.outputs[0]]
            inner = graph.tensors[operator.inputs[1]].shape[-1]
            count += int(np.prod(result.shape)) * int(inner)
    assert multiply_accumulates(config) == count


def test_candidates_are_the_best_of_each_kind():
    found = solved(max_flash_bytes=900_000, count=6).candidates
    kinds = {
        (shape.config.layers, shape.config.hidden_size, shape.config.embedding_form)
        for shape in found
        if not shape.config.distinct_blocks
    }
    assert len(found) == 6 and len(kinds) >= 3
    assert sorted(shape.loss for shape in found) == [shape.loss for shape in found]
    small = solved(lambda config: config.hidden_size, max_arena_bytes=96, count=3)
    assert all(shape.config.hidden_size <= 96 for shape in small.candidates)
    assert small.chosen == small.candidates[0]


def test_all_limits_hold():
    limits = {
        "max_model_bytes": 400_000,
        "max_flash_bytes": 380_000,
        "max_macs": 5_000_000,
    }
    solution = solved(**limits)
    for candidate in [solution.chosen, *solution.front]:
        assert candidate.model_bytes <= 400_000
        assert candidate.flash_bytes <= 380_000
        assert candidate.macs <= 5_000_000
        assert candidate.config.vocabulary_size >= 600
    assert 0 < solution.fitting < solution.all
    sizes = [candidate.model_bytes for candidate in solution.front]
    losses = [candidate.loss for candidate in solution.front]
    assert sizes == sorted(sizes) and losses == sorted(losses, reverse=True)
    assert solution.chosen == solution.front[-1]


def test_more_room_is_never_worse():
    losses = [
        solved(max_flash_bytes=flash).chosen.loss
        for flash in (150_000, 250_000, 500_000, 900_000)
    ]
    assert losses == sorted(losses, reverse=True) and losses[0] > losses[-1]


def test_the_arena_is_measured_on_the_best_first():
    asked = []

    def measure(config):
        asked.append(config)
        scores = 2.2 * config.heads * config.max_tokens**2
        return int(scores + 220 * config.hidden_size + 10_000 * config.layers)

    limit = int(0.8 * measure(solved().chosen.config))
    asked.clear()
    chosen = solved(measure, max_arena_bytes=limit).chosen.config
    assert asked[-1] == chosen and measure(chosen) <= limit < measure(asked[0])
    # Most that would not fit are not measured.
    assert len(asked) < 20
    with pytest.raises(InputError, match=r"--max_arena_bytes=500: every student"):
        solved(measure, max_arena_bytes=500)
    # What was measured before is not measured again, and spares others.
    first, count = asked[0], len(asked)
    asked.clear()
    again = solved(
        measure, too_large={first: measure(first)}, max_arena_bytes=limit
    ).chosen.config
    assert again == chosen and asked.count(first) == 1 and len(asked) <= count


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_flash_bytes": 30_000}, r"^--max_flash_bytes=30000: .* needs \d+$"),
        (
            {"max_macs": 1000},
            r"^--max_macs=1000: no student is so small; .* needs \d+$",
        ),
        (
            {"max_model_bytes": 9000, "max_macs": 1000},
            r"--max_model_bytes=9000: .*; --max_macs=1000: ",
        ),
    ],
)
def test_the_limit_to_blame_is_named(limits, message):
    with pytest.raises(InputError, match=message):
        solved(**limits)


def test_the_least_that_is_named_fits():
    with pytest.raises(InputError) as refused:
        solved(max_flash_bytes=30_000)
    least = int(str(refused.value).split()[-1])
    assert solved(max_flash_bytes=least).fitting > 0
    with pytest.raises(InputError):
        solved(max_flash_bytes=least - 1)


def test_a_larger_size_never_counts_as_worse():
    teacher = TEACHER | {"vocabulary": 8000}
    config = StudentConfig(900, 64, 2, 64, 16, 1, 32, 128, 384, 7, distinct_blocks=1)
    for changes in (
        {"vocabulary_size": 1800},
        {"layers": 3},
        {"hidden_size": 96},
        {"embedding_size": 32},
        {"heads": 2},
        {"feed_forward_size": 256},
        {"distinct_blocks": 2},
    ):
        larger = dataclasses.replace(config, **changes)
        if "layers" in changes:  # The share of distinct kernels stays.
            config = dataclasses.replace(config, distinct_blocks=0)
            larger = dataclasses.replace(larger, distinct_blocks=0)
        assert predicted_loss(larger, teacher) <= predicted_loss(config, teacher)
    coded = dataclasses.replace(config, embedding_form="product")
    assert predicted_loss(coded, teacher) >= predicted_loss(config, teacher)


def test_the_weights_are_what_the_records_give():
    record = json.loads(RECORD.read_text("utf-8"))
    weights, left = fitted(runs())
    assert record["runs"] == len(runs())
    assert weights == pytest.approx(record["weights"], abs=1e-3)
    assert left == pytest.approx(record["unexplained_rms"], abs=1e-3)
    assert min(weights.values()) >= 0
