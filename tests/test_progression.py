"""Several sizes in one run: bundles, their curve, going on after a kill, refusals."""

import json
import math

import numpy as np
import pytest

import ei_bert_tf
from ei_bert_tf.errors import InputError
from ei_bert_tf.job import Job
from ei_bert_tf.progression import preparations, progression
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.student.sizing import choose_config, model_bytes
from tests.killing import Killed, kill_at
from tests.make_tiny_teacher import job_choices, write_task
from tests.programs import run_program


def limit(vocabulary, hidden, heads):
    """The least limit that a student of this shape is chosen for."""
    shape = StudentConfig(
        *(vocabulary, 13, 3, hidden, hidden // 2, heads, 10, 28, 40, 2), norm="rms"
    )
    return math.ceil(model_bytes(shape) * 1.0101)


# The tiny corpus has 158 pieces, 141 of which spell the others.
SIZES = (limit(158, 40, 4), limit(158, 32, 3), limit(150, 32, 3))
RECIPE = {
    "teacher_epochs": 10,
    "teacher_learning_rate": 3e-3,
    "student_epochs": 10,
    "student_learning_rate": 3e-3,
    "quantization_epochs": 2,
    "removal_steps": 3,
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folder with a teacher of 40 dimensions, its data and a short recipe."""
    folder = tmp_path_factory.mktemp("sizes")
    write_task(folder, hidden=40, heads=4)
    (folder / "recipe.json").write_text(json.dumps(RECIPE))
    return folder


def choices(folder, **changes):
    return job_choices(folder) | {"sizes": SIZES} | changes


def compress(folder, output, **changes):
    return ei_bert_tf.compress(output_dir=folder / output, **choices(folder, **changes))


@pytest.fixture(scope="module")
def bundles(tiny):
    return compress(tiny, "bundles")


@pytest.mark.slow
def test_each_size_is_a_whole_bundle_smaller_than_the_one_before(bundles, tiny):
    shapes = []
    for size, bundle in zip(SIZES, bundles, strict=True):
        assert bundle.folder == tiny / "bundles" / str(size)
        again = ei_bert_tf.Bundle.load(bundle.folder)
        assert len(again.model) <= size == again.manifest["max_model_bytes"]
        for name in ("firmware/ei_bert.blob", "phone/model.tflite", "report.html"):
            assert name in again.manifest["files"]
        report = json.loads((bundle.folder / "report.json").read_text("utf-8"))
        assert f"--sizes={','.join(map(str, SIZES))}" in report["run"]["command"]
        assert "--max_model_bytes" not in report["run"]["command"]
        shapes.append(again.manifest["student"])
    widths = [shape["hidden_size"] for shape in shapes]
    assert widths == [40, 32, 32]
    assert [shape["heads"] for shape in shapes] == [4, 3, 3]
    assert shapes[1]["embedding_size"] < shapes[0]["embedding_size"]
    found = [shape["vocabulary_size"] for shape in shapes]
    assert found[0] >= found[1] > found[2]
    pieces = [set(bundle.tokenizer.pieces) for bundle in bundles]
    assert pieces[0] >= pieces[1] >= pieces[2]
    assert all(b.manifest["stages"][-1]["value"] >= 0.8 for b in bundles)


@pytest.mark.slow
def test_the_teacher_is_trained_once(bundles):
    seconds = {b.manifest["stage_seconds"]["teacher"] for b in bundles}
    assert len(seconds) == 1
    teachers = [b.folder / "checkpoints/teacher/teacher.safetensors" for b in bundles]
    assert len({path.stat().st_ino for path in teachers}) == 1


@pytest.mark.slow
def test_the_curve_has_every_size(bundles, tiny):
    curve = json.loads((tiny / "bundles/sizes.json").read_text("utf-8"))
    assert [size["max_model_bytes"] for size in curve["sizes"]] == list(SIZES)
    for size, bundle in zip(curve["sizes"], bundles, strict=True):
        assert size["model_bytes"] == len(bundle.model)
        assert size["litert"] == bundle.manifest["stages"][-1]["value"]
        assert size["student"] == bundle.manifest["student"]
    page = (tiny / "bundles/sizes.html").read_text("utf-8")
    for size in SIZES:
        assert f'href="{size}/report.html"' in page
    assert page.count("<circle") == 1 + len(SIZES)


@pytest.mark.slow
def test_a_run_that_was_killed_ends_with_the_same_bytes(bundles, tiny, monkeypatch):
    job = Job(**choices(tiny, sizes=SIZES[:2]))

    def models():
        sizes = progression(preparations(job), tiny / "killed", True, None)
        return [pipeline.run() for _, pipeline in sizes]

    # The largest student; the next one, between two cuts; its quantization. A killed
    # training goes on behind its last checkpoint, so no step comes twice.
    steps = [("student", 69), ("student", 30), ("quantization", 5)]
    kills = kill_at(monkeypatch, steps)
    for _ in steps:
        with pytest.raises(Killed):
            models()
    assert models() == [bundle.model for bundle in bundles[:2]]
    assert not kills


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sizes": (90_000, 20_000)}, "--sizes=20000: no student.*smallest.*has 4"),
        ({"sizes": (98_000, 99_000)}, "--sizes=98000,99000: each has to be smaller"),
        ({"sizes": (50_000, 50_000)}, "--sizes=50000,50000: each has to be smaller"),
        ({"sizes": ("1MB",)}, "--sizes=1MB: accepted: whole numbers"),
        ({"max_model_bytes": 90_000}, "--sizes and --max_model_bytes: one of them"),
        ({"method": "layerwise"}, "--sizes=.*--method=layerwise; accepted: kd, cross"),
        ({"max_arena_bytes": 1024}, "--max_arena_bytes=1024.*needs"),
        ({"max_flash_bytes": 500_000}, "--sizes: with --max_flash_bytes or --max_macs"),
        ({"max_macs": 10**6}, "--sizes: with --max_flash_bytes or --max_macs"),
    ],
)
def test_refusals_before_training(tiny, changes, message):
    with pytest.raises(InputError, match=message):
        compress(tiny, "refused", **changes)
    assert not (tiny / "refused").exists()


def test_a_foreign_folder_of_one_size_is_refused(tiny):
    foreign = tiny / "foreign" / str(SIZES[1]) / "firmware"
    foreign.mkdir(parents=True)
    (foreign / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match=r"--output_dir: .*firmware: exists and is no"):
        compress(tiny, "foreign")
    assert [path.name for path in (tiny / "foreign").iterdir()] == [str(SIZES[1])]


def test_the_program_reads_sizes(tmp_path):
    data = ["--dataset=builtin:bbc_news", f"--output_dir={tmp_path}/x"]
    done = run_program("compress", *data, "--sizes=9,8", "--max_model_bytes=9")
    assert done.returncode == 1
    line = "compress: --sizes and --max_model_bytes: one of them only"
    assert done.stderr.decode().splitlines()[-1] == line


def test_stage_programs_refuse_sizes(tiny, tmp_path):
    with pytest.raises(InputError, match="--sizes: not stage by stage"):
        ei_bert_tf.run_stages(["teacher"], work_dir=tmp_path, sizes=(60_000, 50_000))


def test_a_shape_within_a_larger_one():
    def choose(limit, within=None):
        return choose_config(
            limit, 420, 9000, 9000, 384, 12, 1536, 0.25, within,
            max_tokens=64, layers=3, outputs=5, norm="layer", pair=False,
        )  # fmt: skip

    former = None
    for limit in (1_910_000, 1_000_000, 750_000, 500_000, 350_000, 250_000):
        config = choose(limit, former)
        assert 0.9 * limit < model_bytes(config) <= limit
        if former is not None:
            for name, value in former.to_json().items():
                if isinstance(value, int):
                    assert getattr(config, name) <= value, name
        former = config
    free = choose(250_000)
    assert free.vocabulary_size > former.vocabulary_size
    assert free.feed_forward_size < former.feed_forward_size
    assert np.isclose(model_bytes(free), model_bytes(former), rtol=0.02)
