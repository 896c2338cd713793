"""A service in a process of its own: memory, load, and a share of a core."""

import subprocess
import sys
import time

import numpy as np
import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation import cpu_quota as quota_module
from ei_bert_tf.evaluation.cpu_quota import cpu_quota
from ei_bert_tf.evaluation.memory import AddedMemory, memory
from ei_bert_tf.evaluation.service import Service
from tests.tiny_bundle import tiny_bundle
from tests.tiny_models import TOKENS

BUSY = """
import pathlib, sys, time
pathlib.Path(sys.argv[1]).write_text("0")
start, cpu = time.perf_counter(), time.process_time()
while time.perf_counter() < start + 1.5:
    pass
print((time.process_time() - cpu) / (time.perf_counter() - start))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    bundle = tiny_bundle(tmp_path_factory.mktemp("bundle") / "out")
    texts = [("turn the light off",), ("lights",), ("turn",)]
    return Service(bundle.folder, TOKENS, texts)


def test_memory_sees_what_is_allocated():
    added = AddedMemory()
    kept = np.ones(1 << 23, np.uint8)
    added.step("array")
    added.step("nothing")
    array, nothing = added.steps["array"], added.steps["nothing"]
    for field in ("anonymous_bytes", "resident_bytes"):
        assert array[field] == pytest.approx(kept.nbytes, rel=0.1)
        assert abs(nothing[field]) < kept.nbytes / 10
        assert added.total()[field] == array[field] + nothing[field]
    assert memory()["anonymous_bytes"] > kept.nbytes


def test_added_memory_is_of_a_fresh_process(service):
    found = service.added_memory("litert")
    assert list(found["steps"]) == ["model", "interpreter", "tokenizer", "first_texts"]
    for field, total in found["total"].items():
        assert total == sum(step[field] for step in found["steps"].values())
    # This process has TensorFlow and is a hundred times as large.
    assert 0 < found["total"]["anonymous_bytes"] < 8e6


def test_load_is_answered_without_errors(service):
    found = service.under_load(requests=200, workers=2)
    assert found["workers"] == 2
    assert found["offered_per_second"] == pytest.approx(
        0.7 * found["saturation_per_second"], rel=1e-3
    )
    assert list(found["patterns"]) == ["steady", "poisson", "bursts"]
    for pattern in found["patterns"].values():
        assert (pattern["requests"], pattern["errors"]) == (200, 0)
        assert 0 < pattern["latency_ms"]["median"] <= pattern["latency_ms"]["p99"]
        assert abs(pattern["memory_growth"]) < 0.1


def test_a_service_that_ends_is_refused_in_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        Service(tmp_path, TOKENS, [("a",)]).under_load(10, 1)
    assert str(error.value).startswith("service: its process ended: FileNotFoundError")
    assert "model.tflite" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_share_of_a_core_is_kept_to(service):
    """Where the kernel lets nobody limit anything, that is what is said."""
    start = time.monotonic()
    try:
        with cpu_quota(0.1) as file:
            done = subprocess.run(
                [sys.executable, "-c", BUSY, str(file)],
                capture_output=True,
                text=True,
                check=True,
            )
            group = file.parent
    except InputError as error:
        assert "no control group with a CPU controller" in str(error)
        with pytest.raises(InputError, match="control group"):
            service.on_a_tenth_of_a_core(50)
        return
    assert not group.exists()
    # A period's 10 ms more or less over 1.5 s; without a limit it would be 1.
    assert 0.01 < float(done.stdout) < 0.2
    found = service.on_a_tenth_of_a_core(500)
    assert found["core_share"] == 0.1
    assert found["workers"] == 1
    assert found["patterns"]["poisson"]["requests"] == 50
    assert time.monotonic() - start < 60


def test_a_system_without_the_controller_is_refused(tmp_path, monkeypatch):
    roots = [tmp_path / "missing", tmp_path]
    monkeypatch.setattr(quota_module, "_ROOTS", tuple(map(str, roots)))
    with (
        pytest.raises(InputError, match=r"a share of a core: no control group .* root"),
        cpu_quota(0.1),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
