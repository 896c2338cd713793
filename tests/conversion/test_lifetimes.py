"""Activations live from who writes them to who reads them last."""

import pytest

from ei_bert_tf.conversion import flatbuffer
from ei_bert_tf.conversion.lifetimes import lifetimes
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from tests.tiny_models import TOKENS, tiny_tflite


@pytest.fixture(scope="module")
def model():
    return tiny_tflite()


def aligned(size):
    return -(-size // 16) * 16


def test_every_operator_has_its_inputs_and_its_output_in_memory(model):
    parsed = flatbuffer.parse_model(model)
    graph = parsed.subgraphs[0]
    steps = lifetimes(model)
    assert len(steps) == len(graph.operators)
    for step, operator in zip(steps, graph.operators, strict=True):
        assert step.op == flatbuffer.operator_name(parsed, operator)
        used = [*operator.inputs, *operator.outputs]
        tensors = [graph.tensors[index] for index in used]
        names = {activation.layer for activation in step.live}
        for tensor in tensors:
            if not flatbuffer.is_constant(parsed, tensor):
                assert flatbuffer.tensor_name(tensor) in names


def test_what_no_one_reads_any_more_is_gone(model):
    steps = lifetimes(model)
    # ids and mask are there from the start, whoever reads them; each is T int32.
    inputs = [a for a in steps[0].live if a.bytes == aligned(4 * TOKENS)]
    assert len(inputs) >= 2
    # Of the last operator only its input and its output are left.
    assert len(steps[-1].live) == 2
    assert steps[-1].live_bytes == sum(a.bytes for a in steps[-1].live)


def test_sizes_are_aligned_and_no_arena_is_smaller(model):
    steps = lifetimes(model)
    sizes = [activation.bytes for step in steps for activation in step.live]
    assert all(size % 16 == 0 and size > 0 for size in sizes)
    for step in steps:
        ordered = [activation.bytes for activation in step.live]
        assert ordered == sorted(ordered, reverse=True)
    peak = max(step.live_bytes for step in steps)
    assert 0 < peak < smallest_arena_bytes(model)
