"""The peers are real: the teacher's logits in float, and ONNX Runtime's own int8."""

import numpy as np
import onnx
import onnxruntime
import pytest

from ei_bert_tf.evaluation.onnx_bert import (
    INPUTS,
    build_onnx,
    random_weights,
    teacher_weights,
)
from ei_bert_tf.evaluation.onnx_peer import OnnxPeer, int8_models, peer_inputs
from ei_bert_tf.evaluation.peers import Peers, bert_tiny
from ei_bert_tf.teacher.backbone import load_teacher
from tests.make_tiny_teacher import LAYERS, write_teacher

TOKENS = 9
ROWS = [("the good day",), ("a very very dark house",), ("film",), ("",)]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    write_teacher(folder)
    loaded = load_teacher(str(folder), 3, seed=0)
    # Fresh classifiers are near 0, where no difference shows.
    loaded.classifier.kernel.assign(10 * loaded.classifier.kernel.value)
    return loaded


@pytest.fixture(scope="module")
def encoded(teacher):
    return teacher.tokenizer.encode([row[0] for row in ROWS], None, TOKENS)


@pytest.fixture(scope="module")
def logits(teacher, encoded):
    inputs = {name: getattr(encoded, name) for name in ("ids", "mask", "segment_ids")}
    return teacher(inputs)["logits"].numpy()


@pytest.fixture(scope="module")
def models(teacher, encoded):
    shape, weights = teacher_weights(teacher)
    return int8_models(build_onnx(shape, weights), shape, encoded)


def test_the_float_graph_gives_the_teachers_logits(teacher, encoded, logits):
    model = build_onnx(*teacher_weights(teacher)).SerializeToString()
    # Padding must not be attended to, and no padding must change nothing.
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    arrays = (encoded.ids, encoded.mask, encoded.segment_ids)
    (padded,) = session.run(None, dict(zip(INPUTS, arrays, strict=True)))
    np.testing.assert_allclose(padded, logits, atol=2e-5)
    peer = OnnxPeer(model, threads=1)
    real = [peer.logits(peer_inputs(encoded, row))[0] for row in range(len(ROWS))]
    np.testing.assert_allclose(real, logits, atol=2e-5)
    assert np.ptp(logits) > 0.1


def test_segments_are_read(teacher):
    pairs = teacher.tokenizer.encode(["the day"], ["the house"], TOKENS)
    model = build_onnx(*teacher_weights(teacher)).SerializeToString()
    inputs = {name: getattr(pairs, name) for name in ("ids", "mask", "segment_ids")}
    found = OnnxPeer(model, threads=2).logits(peer_inputs(pairs, 0))
    np.testing.assert_allclose(found, teacher(inputs)["logits"], atol=2e-5)
    assert pairs.segment_ids.any()


@pytest.mark.parametrize("kind", ["dynamic", "static"])
def test_int8_follows_the_teacher(models, encoded, logits, kind):
    peer = OnnxPeer(models[kind], threads=1)
    found = [peer.logits(peer_inputs(encoded, row))[0] for row in range(len(ROWS))]
    # Steps of 1/127 of the largest weight of 20, over three blocks.
    np.testing.assert_allclose(found, logits, atol=0.25 * np.ptp(logits))
    assert not np.array_equal(found, logits)


def test_dynamic_int8_has_every_fusion(models):
    kinds = [
        node.op_type for node in onnx.load_from_string(models["dynamic"]).graph.node
    ]
    assert kinds.count("QAttention") == LAYERS
    assert kinds.count("SkipLayerNormalization") == 2 * LAYERS
    assert kinds.count("QEmbedLayerNormalization") == 1
    assert not {"MatMul", "Attention", "Softmax", "LayerNormalization"} & {*kinds}


def test_static_int8_multiplies_int8_only(models, tmp_path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(
        models["static"], options, providers=["CPUExecutionProvider"]
    )
    graph = onnx.load(tmp_path / "optimized.onnx").graph
    kinds = [node.op_type for node in graph.node]
    # Query, key, value, scores, context, output, up and down, and the task layers.
    assert kinds.count("QLinearMatMul") == 8 * LAYERS + 2
    assert not {"MatMul", "Gemm", "FusedMatMul"} & {*kinds}


def test_bert_tiny_has_the_published_number_of_parameters():
    shape = bert_tiny(outputs=2)
    parameters = sum(int(np.prod(size)) for size in shape.weights().values())
    classifier = 128 * 2 + 2
    assert parameters - classifier == 4_385_920


def test_weights_of_another_shape_are_refused():
    shape = bert_tiny(outputs=2)
    weights = random_weights(shape, seed=0)
    del weights["pooler.bias"]
    with pytest.raises(ValueError, match=r"needed are .*pooler\.bias"):
        build_onnx(shape, weights)


def test_peers_are_both_models_in_both_kinds(teacher):
    engines = Peers(teacher, TOKENS, ROWS).engines(threads=2)
    assert [(engine.model, engine.name, engine.threads) for engine in engines] == [
        ("teacher", "onnxruntime_dynamic_int8", 2),
        ("teacher", "onnxruntime_static_int8", 2),
        ("bert_tiny_shape", "onnxruntime_dynamic_int8", 2),
        ("bert_tiny_shape", "onnxruntime_static_int8", 2),
    ]
    for engine in engines:
        tokens = engine.tokenize(("the good day",))
        assert tokens["input_ids"].shape == (1, 5)
        assert engine.infer(tokens).shape == (1, 3)
        assert engine.tokenize(("very " * 30,))["input_ids"].shape == (1, TOKENS)
