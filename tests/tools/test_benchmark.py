"""tools.benchmark: what it prints, and what it refuses."""

import json
import sys

import pytest

from ei_bert_tf import benchmark
from ei_bert_tf.errors import InputError
from tests.make_tiny_teacher import write_teacher
from tests.programs import refusal, run_program
from tests.tiny_bundle import tiny_bundle

ROWS = [("turn the lights off",), ("light",), ("the light the light",)] * 4


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teacher")
    write_teacher(folder)
    return str(folder)


@pytest.fixture(scope="module")
def bundle(teacher, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "out"
    return tiny_bundle(folder, outputs=3, teacher=teacher)


@pytest.fixture
def eval_file(tmp_path):
    path = tmp_path / "dev.tsv"
    path.write_text("\n".join(["text", *(row[0] for row in ROWS), ""]), "utf-8")
    return path


def measured(*flags):
    done = run_program("benchmark", *flags)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout), done.stderr.decode()


def test_it_prints_one_object_of_what_was_asked_for(bundle, eval_file):
    found, lines = measured(
        *(f"--bundle={bundle.folder}", f"--eval_file={eval_file}", "--nopeers"),
        *("--measure=load", "--measure=latency", "--measure=memory"),
        "--measure=operators",
        *("--requests=100", "--workers=1", "--texts=5", "--rounds=2"),
        "--runtimes=litert,litert_reference,tflm",
    )
    assert list(found) == ["load", "latency", "memory", "operators"]
    latency = found["latency"]
    assert latency["model_bytes"] == len(bundle.model)
    assert (latency["texts"], latency["rounds"]) == (5, 2)
    assert [(row["engine"], row["threads"]) for row in latency["engines"]] == [
        ("litert", 1),
        ("litert_reference", 1),
        ("tflm", 1),
        ("litert", 2),
        ("litert_reference", 2),
    ]
    for row in latency["engines"]:
        assert row["model"] == "student"
        for times in ("tokenization_ms", "inference_ms", "together_ms"):
            assert 0 < row["all"][times]["median"] <= row["all"][times]["p95"]
            assert row["all"][times]["p95"] <= row["all"][times]["p99"]
    assert latency["ratios"] == []
    assert found["load"]["patterns"]["bursts"]["errors"] == 0
    assert sorted(found["memory"]) == ["litert", "litert_reference", "tflm"]
    assert "5 texts of" in lines
    assert "load, poisson: 100 requests, 0 errors" in lines
    assert "memory, tflm: " in lines
    assert found["operators"]["rounds"] == 2
    assert "litert: " in lines and "RESHAPE" in lines


def test_peers_run_beside_it(bundle):
    found = benchmark.latency(bundle, ROWS, count=4, rounds=1, threads=[1])
    assert [row["model"] for row in found["engines"]] == [
        *["student"] * 2,
        *["teacher"] * 2,
        *["bert_tiny_shape"] * 2,
    ]
    pairs = [(row["engine"], row["peer"]) for row in found["ratios"]]
    assert pairs == [
        (own, peer)
        for own in ("litert", "tflm")
        for peer in ("teacher", "bert_tiny_shape")
    ]
    times = {
        (row["model"], row["engine"]): row["all"]["inference_ms"]["median"]
        for row in found["engines"]
    }
    for row in found["ratios"]:
        kinds = {
            name: ms for (model, name), ms in times.items() if model == row["peer"]
        }
        assert row["peer_engine"] == min(kinds, key=kinds.get)
        assert row["inference"]["all"] > 0
    assert "teacher (onnxruntime_" in benchmark.as_text({"latency": found})


def test_long_texts_are_left_out_by_the_teachers_pieces(bundle):
    # The teacher knows the day and spells the light; the bundle has no day.
    texts = [("the day",), ("the light",)]
    choices = {"max_tokens": 6, "rounds": 1, "runtimes": ["litert"], "threads": [1]}
    found = benchmark.latency(bundle, texts, **choices)
    assert (found["texts"], found["max_tokens"]) == (1, 4)
    assert list(found["engines"][0])[3:] == ["all", "1-8"]
    assert benchmark.latency(bundle, texts, **choices, peers=False)["texts"] == 2


def test_pairs_are_read_as_pairs(tmp_path):
    pairs = tiny_bundle(tmp_path / "out", pair=True)
    path = tmp_path / "dev.csv"
    path.write_text("a,b\nthe light,off\nturn,the lights\n", "utf-8")
    texts = benchmark.benchmark_texts(pairs, path, ["a", "b"])
    assert texts == [("the light", "off"), ("turn", "the lights")]
    found = benchmark.latency(pairs, texts, rounds=1, peers=False)
    assert found["texts"] == 2
    assert benchmark.added_memory(pairs, texts)["litert"]["total"]


def test_pairs_need_a_file(tmp_path):
    pairs = tiny_bundle(tmp_path / "out", pair=True)
    with pytest.raises(InputError, match=r"--eval_file is missing: .* pairs"):
        benchmark.benchmark_texts(pairs)


@pytest.mark.parametrize(
    ("flag", "accepted"),
    [
        ("--measure=speed", "latency"),
        ("--runtimes=litert,onnx", "--runtimes=litert,onnx: accepted: litert, litert_"),
        ("--runtimes=", "--runtimes=: accepted"),
        ("--threads=two", "--threads=two: accepted: numbers"),
        ("--threads=", "--threads=: accepted"),
        ("--threads=0", "--threads=0: accepted: numbers from 1 to"),
        ("--threads=1,100000", "--threads=1,100000: accepted: numbers from 1 to"),
        ("--rounds=0", "--rounds=0: at least 1"),
        ("--texts=0", "--texts=0: at least 1"),
        ("--max_tokens=-5", "--max_tokens=-5: at least 1"),
        ("--max_tokens=0", "--max_tokens=0: at least 1"),
        ("--max_tokens=1", "--max_tokens=1: each of 12 texts has more"),
        ("--text_columns=text,label", "--text_columns=text,label: 2 columns; accepted"),
        ("--text_columns=words", "'words'"),
        ("--eval_file=nowhere.tsv", "nowhere.tsv: no such file"),
        ("--bundle=nowhere", "--bundle=nowhere: no readable manifest.json"),
    ],
)
def test_the_program_refuses_by_the_flag(bundle, eval_file, flag, accepted):
    flags = [f"--bundle={bundle.folder}", f"--eval_file={eval_file}", "--nopeers"]
    assert accepted in refusal("benchmark", *flags, flag)


def test_tflm_alone_needs_one_thread(bundle, eval_file):
    flags = [f"--bundle={bundle.folder}", f"--eval_file={eval_file}", "--nopeers"]
    line = refusal("benchmark", *flags, "--runtimes=tflm", "--threads=2")
    assert "--runtimes=tflm, --threads=2: tflm computes on one thread only" in line


def test_no_round_of_the_operators_is_refused(bundle):
    flags = [f"--bundle={bundle.folder}", "--measure=operators"]
    assert "--rounds=0: at least 1" in refusal("benchmark", *flags, "--rounds=0")


@pytest.mark.parametrize("flag", ["--measure=latency", "--eval_file=dev.tsv"])
def test_what_the_device_ignores_is_refused(flag):
    line = refusal("benchmark", "--bundle=x", "--device=cortex-m7", flag)
    named = flag.split("=")[0]
    assert f"--device=cortex-m7 and {named}: one of them only" in line


@pytest.mark.parametrize(
    ("measure", "flag"),
    [
        (benchmark.load, "requests"),
        (benchmark.load, "workers"),
        (benchmark.tenth_of_a_core, "requests"),
        (benchmark.operators, "rounds"),
    ],
)
def test_no_request_worker_or_round_are_refused(bundle, measure, flag):
    with pytest.raises(InputError, match=f"--{flag}=0: at least 1 is accepted"):
        measure(bundle, ROWS, **{flag: 0})


def test_a_missing_package_is_named_with_what_brings_it(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError) as error:
        benchmark.latency(bundle, ROWS)
    assert str(error.value) == (
        "--peers: onnxruntime missing; pip install 'ei_bert_tf[benchmarks]' brings it, "
        "--nopeers does without"
    )
    # Without peers nothing of it is needed.
    assert benchmark.latency(bundle, ROWS, rounds=1, peers=False)["texts"] == 12


def test_a_teacher_that_is_gone_is_named(tmp_path):
    bundle = tiny_bundle(tmp_path / "out", teacher=str(tmp_path / "gone"))
    with pytest.raises(InputError, match=r"--teacher=.*gone: no such folder"):
        benchmark.latency(bundle, ROWS)
