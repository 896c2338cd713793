"""The road from end to end with a tiny teacher: what a bundle holds and tells."""

import copy
import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import ei_bert_tf
from ei_bert_tf.bundle import file_list
from ei_bert_tf.compression.sensitivity import MODULES
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.float_student import load_float_student
from ei_bert_tf.evaluation.layer_error import layer_errors
from ei_bert_tf.pipeline import STAGES as STAGES_OF_ALL
from ei_bert_tf.pipeline import Pipeline
from ei_bert_tf.recipe import StudentConfig
from ei_bert_tf.stages import FLOAT_STUDENT, Stages
from tests.killing import Killed, kill_at
from tests.make_tiny_teacher import job_choices, write_data, write_task

KD_STAGES = ["teacher", "vocabulary", "augmentation", "distillation", "quantization"]
STAGES = ["teacher", "student_before_qat", "student_float", "student_int8"]
RECIPE = {
    "teacher_epochs": 10,
    "teacher_learning_rate": 3e-3,
    "augmented_copies": 1,
    "student_epochs": 10,
    "student_learning_rate": 3e-3,
    "quantization_epochs": 2,
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folder with a tiny teacher, its data and a short recipe."""
    folder = tmp_path_factory.mktemp("tiny")
    write_task(folder)
    (folder / "recipe.json").write_text(json.dumps(RECIPE))
    return folder


def choices(folder, **changes):
    return job_choices(folder) | changes


def compress(folder, output, **changes):
    return ei_bert_tf.compress(output_dir=folder / output, **choices(folder, **changes))


@pytest.fixture(scope="module")
def bundle(tiny):
    return compress(tiny, "bundle")


def test_stages_and_runtimes_are_measured(bundle):
    stages = {stage["name"]: stage for stage in bundle.manifest["stages"]}
    assert list(stages) == STAGES
    assert list(bundle.manifest["stage_seconds"]) == [*KD_STAGES, "evaluation"]
    assert stages["teacher"]["value"] >= 0.9
    assert stages["student_int8"]["value"] >= 0.8
    assert stages["student_int8"]["bytes"] == len(bundle.model)
    runtimes = bundle.manifest["runtimes"]
    assert runtimes["litert_reference"]["agreement"] == 1.0
    assert runtimes["tflm"]["agreement"] >= 0.95
    assert runtimes["tflm"]["arena_bytes"] % 16 == 0


def test_manifest_lists_every_file_with_its_digest(bundle):
    found = {
        path.relative_to(bundle.folder).as_posix()
        for path in bundle.folder.rglob("*")
        if path.is_file() and "checkpoints" not in path.parts
    }
    files = bundle.manifest["files"]
    assert found == {*files, "manifest.json"}
    for name, entry in files.items():
        content = (bundle.folder / name).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_what_else_lies_in_the_folder_is_not_listed(bundle, tmp_path):
    shutil.copytree(bundle.folder, tmp_path / "copy")
    (tmp_path / "copy" / "train.tsv").write_text("text")
    (tmp_path / "copy" / ".firmware.killed").mkdir()
    (tmp_path / "copy" / ".firmware.killed" / "new").write_text("half")
    assert file_list(tmp_path / "copy") == bundle.manifest["files"]


def test_the_report_adds_up(bundle):
    report = json.loads((bundle.folder / "report.json").read_text("utf-8"))
    manifest = bundle.manifest
    assert report["stages"] == manifest["stages"]
    assert sum(report["parts"].values()) == manifest["model_bytes"]
    assert all(report["parts"].values())
    flash = report["flash"]["cortex-m4"]
    parts = ("model", "vocabulary", "unicode_tables")
    assert sum(flash[part] for part in parts) == manifest["flash_bytes"]
    assert sum(cell["count"] for cell in report["confusions"]) == 40
    right = [c["count"] for c in report["confusions"] if c["label"] == c["predicted"]]
    assert sum(right) / 40 == manifest["stages"][-1]["value"]
    assert len(report["mistakes"]) == min(20, 40 - sum(right))
    assert report["vocabulary"]["kept"] == manifest["vocabulary_size"]
    by_module = {row["module"]: row for row in report["sensitivity"]}
    assert list(by_module) == ["none", *MODULES]
    assert by_module["none"]["alone"]["logits_error"] == 0
    errors = [by_module[module]["alone"]["logits_error"] for module in MODULES]
    assert 0 < min(errors) < by_module[MODULES[-1]]["together"]["logits_error"]
    peak = report["arena"]["peak"]
    assert peak["live_bytes"] == sum(row["bytes"] for row in peak["live"])
    assert peak["live_bytes"] < manifest["runtimes"]["tflm"]["arena_bytes"]
    page = (bundle.folder / "report.html").read_text("utf-8")
    assert f"{manifest['model_bytes'] / 1e6:.3f} MB" in page


def test_layer_errors_begin_where_the_student_differs(bundle):
    config = StudentConfig(**bundle.manifest["student"])
    weights = bundle.folder / "checkpoints" / "quantization" / FLOAT_STUDENT
    student = load_float_student(config, weights)
    texts = bundle.tokenizer.encode(["a very good day", "the awful film"], None, 13)
    before = layer_errors(bundle.model, student, config, texts)
    layers = [row["layer"] for row in before]
    assert layers[0] == "embedding_projection" and layers[-1] == "classifier"
    assert all(row["signal_to_noise_db"] > 3 and row["cosine"] > 0.8 for row in before)
    changed = "block_1_feed_forward"
    kernel = student.get_layer(changed).kernel
    kernel.assign(-kernel)
    after = layer_errors(bundle.model, student, config, texts)
    place = layers.index(changed)
    assert after[:place] == before[:place]
    assert after[place]["signal_to_noise_db"] < 3
    with pytest.raises(ValueError, match="no text to compare"):
        layer_errors(bundle.model, student, config, texts.take(np.arange(0)))


def test_predictions_of_all_runtimes_have_known_labels(bundle):
    texts = ["a very good day", "the awful film", ""]
    for runtime in ("litert", "litert_reference", "tflm"):
        predictions = bundle.predict(texts, runtime=runtime)
        assert all(p.label in ("bad", "good") for p in predictions)
        assert all(0.5 <= p.probability <= 1.0 for p in predictions)
    assert [p.label for p in bundle.predict(texts[:2])] == ["good", "bad"]


def test_the_phone_folder_predicts_the_same(bundle):
    texts = ["a very good day", "the awful film", "", "caf\u00e9\n\tGOOD"]
    found = bundle.predict(
        texts, runtime="tflite_runtime", tflite_runtime_python=sys.executable
    )
    for one, other in zip(found, bundle.predict(texts), strict=True):
        assert one.label == other.label
        assert one.probability == pytest.approx(other.probability, abs=1e-12)
    with pytest.raises(InputError, match="--tflite_runtime_python is missing"):
        bundle.predict(texts, runtime="tflite_runtime")


def test_evaluate_gives_the_manifest_s_value(bundle, tiny):
    result = bundle.evaluate(tiny / "eval.tsv")
    assert result["metrics"]["accuracy"] == bundle.manifest["stages"][-1]["value"]
    assert result["examples"] == 40


def test_the_float_student_runs_in_keras(bundle, tiny):
    values = {stage["name"]: stage["value"] for stage in bundle.manifest["stages"]}
    result = bundle.evaluate(tiny / "eval.tsv", runtime="keras")
    assert result["metrics"]["accuracy"] == values["student_float"]
    moved = bundle.folder / "moved"
    (bundle.folder / "checkpoints").rename(moved)
    try:
        with pytest.raises(InputError, match=r"--runtime=keras: .*is missing"):
            bundle.predict(["a good day"], runtime="keras")
    finally:
        moved.rename(bundle.folder / "checkpoints")


def test_probabilities_are_calibrated_on_held_out_rows(bundle):
    calibration = bundle.manifest["calibration"]
    assert calibration["temperature"] != 1.0
    assert calibration["unknown_threshold"] == 0.0
    assert 0.0 <= calibration["expected_calibration_error"] < 0.5
    assert calibration["unknown_auroc"] is None


def with_manifest(bundle, manifest):
    return ei_bert_tf.Bundle(bundle.folder, manifest, bundle.tokenizer, bundle.model)


def test_a_text_below_the_threshold_is_unknown(bundle):
    manifest = copy.deepcopy(bundle.manifest)
    manifest["task"]["unknown_label"] = "oos"
    (known,) = with_manifest(bundle, manifest).predict(["a good day"])
    assert known.label == "good"
    manifest["calibration"]["unknown_threshold"] = known.probability + 1e-6
    (unknown,) = with_manifest(bundle, manifest).predict(["a good day"])
    assert (unknown.label, unknown.probability) == ("oos", known.probability)


def test_a_finished_stage_is_not_run_again(bundle, tiny):
    before = {
        path: path.stat().st_mtime_ns
        for path in (bundle.folder / "checkpoints").rglob("done.json")
    }
    again = compress(tiny, "bundle")
    assert again.model == bundle.model
    for name in ("phone/model.tflite", "phone/task.json", "firmware/ei_bert.blob"):
        assert again.manifest["files"][name] == bundle.manifest["files"][name]
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_a_stage_of_other_choices_or_data_does_not_count(bundle, tiny):
    other = tiny / "other.tsv"
    write_data(other, 20, 3)
    for changes in ({"seed": 1}, {"evaluate": other}, {"unlabeled_file": other}):
        with pytest.raises(InputError, match="stage 'teacher' comes first"):
            ei_bert_tf.run_stages(
                ["vocabulary"], work_dir=bundle.folder, **choices(tiny, **changes)
            )
    with pytest.raises(InputError, match="stage 'distillation' comes first"):
        ei_bert_tf.run_stages(
            ["pruning", "quantization"],
            work_dir=bundle.folder,
            **choices(tiny, max_model_bytes=500_000, student_start="random"),
        )


@pytest.mark.parametrize("stages", [[], ["magic"], ["teacher", "distillation"]])
def test_stages_that_are_no_neighbours_are_refused(bundle, tiny, stages):
    with pytest.raises(InputError, match="neighbours in teacher, vocabulary"):
        ei_bert_tf.run_stages(stages, work_dir=bundle.folder, **choices(tiny))


def test_with_a_distillation_its_trials_of_shapes_are_run_again(tmp_path, monkeypatch):
    for stage in STAGES_OF_ALL:
        monkeypatch.setattr(Pipeline, f"_{stage}_stage", lambda _: None)
    # Only what was left is looked at; a whole pipeline takes a teacher.
    pipeline = object.__new__(Pipeline)
    pipeline.store = Stages(tmp_path, resume=True)

    def left_after(stages):
        for name in ("teacher", "distillation", "candidates"):
            (tmp_path / name).mkdir(exist_ok=True)
        pipeline.run(stages, again=True)
        return sorted(path.name for path in tmp_path.iterdir())

    assert left_after(["augmentation", "distillation"]) == ["teacher"]
    assert left_after(["teacher"]) == ["candidates", "distillation"]


@pytest.mark.slow
def test_stage_by_stage_gives_the_same_bytes(bundle, tiny):
    work_dir = tiny / "stages"
    stages = (["teacher"], ["vocabulary"], ["augmentation", "distillation"])
    for some in stages:
        left = ei_bert_tf.run_stages(some, work_dir=work_dir, **choices(tiny))
        assert [path.name for path in left] == some
        assert not (work_dir / "model.tflite").exists()
    ei_bert_tf.run_stages(
        ["refinement", "pruning", "quantization"], work_dir=work_dir, **choices(tiny)
    )
    for name in ("model.tflite", "vocab.txt", "labels.txt"):
        assert (work_dir / name).read_bytes() == (bundle.folder / name).read_bytes()


def test_a_changed_file_is_refused(bundle):
    path = bundle.folder / "labels.txt"
    content = path.read_bytes()
    try:
        path.write_bytes(content + b"x\n")
        with pytest.raises(InputError, match=r"labels\.txt"):
            ei_bert_tf.Bundle.load(bundle.folder)
    finally:
        path.write_bytes(content)


def test_programs_read_the_bundle(bundle, tiny):
    def run(program, *arguments):
        command = [
            sys.executable,
            "-m",
            f"tools.{program}",
            f"--bundle={bundle.folder}",
        ]
        return subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=True
        ).stdout

    answer = json.loads(run("evaluate", f"--eval_file={tiny / 'eval.tsv'}"))
    assert answer["metrics"]["accuracy"] == bundle.manifest["stages"][-1]["value"]
    label, probability, text = (
        run("predict", "a very good day").rstrip("\n").split("\t")
    )
    assert (label, text) == ("good", "a very good day")
    assert 0.5 <= float(probability) <= 1.0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(bundle, tiny):
    assert compress(tiny, "again").model == bundle.model


@pytest.mark.slow
def test_trainings_that_were_killed_end_with_the_same_bytes(bundle, tiny, monkeypatch):
    kills = kill_at(
        monkeypatch, [("teacher", 11), ("student", 53), ("quantization", 20)]
    )
    for _ in range(3):
        with pytest.raises(Killed):
            compress(tiny, "killed")
    found = compress(tiny, "killed")
    assert not kills
    assert found.model == bundle.model
    assert [stage["resumed"] for stage in found.manifest["stages"]] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.slow
def test_learning_without_a_teacher(tiny):
    found = compress(tiny, "alone", method="none", student_start="random")
    assert [stage["name"] for stage in found.manifest["stages"]] == STAGES
    assert found.manifest["recipe"]["method"] == "none"
    assert found.manifest["stages"][-1]["value"] >= 0.6


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pair", "regression"])
def test_pairs_and_regression(tiny, kind):
    generator = np.random.default_rng(3)
    for name, rows in (("train", 240), ("eval", 60)):
        lines = ["a\tb\tscore"]
        for row in range(rows):
            words = ["good" if generator.random() < 0.5 else "bad" for _ in range(2)]
            good = words.count("good")
            likes = ("no", "yes")[words[0] == "good"]
            score = likes if kind == "pair" else good + row * 1e-6
            lines.append(f"a {words[0]} day\tthe {words[1]} film\t{score}")
        (tiny / f"{kind}_{name}.tsv").write_text("\n".join(lines) + "\n")
    found = compress(
        tiny,
        kind,
        train=tiny / f"{kind}_train.tsv",
        evaluate=tiny / f"{kind}_eval.tsv",
        text=["a", "b"],
        label="score",
        task_type="classification" if kind == "pair" else "regression",
    )
    runtimes = found.manifest["runtimes"]
    low, high = found.predict(
        ["a bad day", "a good day"], pairs=["the bad film", "the good film"]
    )
    if kind == "pair":
        assert (low.label, high.label) == ("no", "yes")
        assert runtimes["tflm"]["agreement"] >= 0.9
    else:
        # A step apart is another value, and 20 dimensions are coarse in int8: of the
        # engines only the direction can be demanded.
        assert found.manifest["stages"][2]["value"] >= 0.9
        assert runtimes["litert_reference"]["value"] >= 0.5
        assert runtimes["tflm"]["value"] >= 0.5
        assert low.label is None and high.label is None
        assert high.value > low.value


@pytest.mark.slow
def test_a_shape_is_searched_for_where_flash_or_work_are_limited(tiny):
    limits = {"max_flash_bytes": 105_000, "max_macs": 60_000}
    recipe = tiny / "trials.json"
    recipe.write_text(json.dumps(RECIPE | {"candidates": 3, "candidate_steps": 20}))
    bundle = compress(tiny, "searched", recipe=recipe, **limits)
    found = bundle.manifest
    assert "candidates" in found["stage_seconds"]
    report = json.loads((bundle.folder / "report.json").read_text("utf-8"))
    assert report["budget"] == found["budget"]
    chosen = found["budget"]["chosen"]
    assert found["student"] == chosen["config"]
    assert found["model_bytes"] == pytest.approx(chosen["model_bytes"], rel=0.02)
    assert found["flash_bytes"] < chosen["flash_bytes"] <= 105_000
    assert chosen["macs"] <= 60_000
    tried = found["budget"]["candidates"]
    trials = found["budget"]["trials"]
    assert [trial["steps"] for trial in trials] == [20] * len(tried)
    assert len({json.dumps(shape["config"]) for shape in tried}) == len(tried) == 3
    best = max(trials, key=lambda trial: trial["score"])
    assert tried[best["candidate"]] == chosen
    assert found["budget"]["front"][-1] == tried[0]
