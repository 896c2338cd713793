"""Every method from end to end with a tiny teacher, and going on after a kill."""

import json

import pytest

import ei_bert_tf
from ei_bert_tf.conversion.zeros import zeros_of
from ei_bert_tf.errors import InputError
from ei_bert_tf.pipeline import STAGES
from tests.killing import Killed, kill_at
from tests.make_tiny_teacher import job_choices, write_task

RECIPE = {
    "teacher_epochs": 10,
    "teacher_learning_rate": 3e-3,
    "augmented_copies": 1,
    "student_epochs": 6,
    "student_learning_rate": 3e-3,
    "refinement_epochs": 2,
    "refinement_teacher_learning_rate": 3e-4,
    "refinement_student_learning_rate": 3e-3,
    "pruning_epochs": 2,
    "quantization_epochs": 2,
    "quantization_learning_rate": 1e-3,
}
BEFORE_QAT = ["teacher", "student_before_qat", "student_float", "student_int8"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folder with a tiny teacher and its data."""
    folder = tmp_path_factory.mktemp("methods")
    write_task(folder)
    return folder


def choices(folder, output, overrides=None, **changes):
    # Methods share a folder, and with it the stages before they part.
    recipe = folder / f"{output}.json"
    recipe.write_text(json.dumps(RECIPE | (overrides or {})))
    return job_choices(folder, recipe.name) | changes


def compress(folder, output, overrides=None, **changes):
    return ei_bert_tf.compress(
        output_dir=folder / output, **choices(folder, output, overrides, **changes)
    )


@pytest.fixture(scope="module")
def whole(tiny):
    """Of a run with all stages that was never interrupted."""
    return compress(tiny, "whole", method="cross", target_sparsity=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["layerwise", "relation"])
def test_token_methods_learn(tiny, method):
    found = compress(tiny, "all", method=method)
    assert [stage["name"] for stage in found.manifest["stages"]] == BEFORE_QAT
    assert found.manifest["recipe"]["method"] == method
    assert found.manifest["stages"][-1]["value"] >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"task_layers": "shared"},
        {"task_layers": "frozen", "refinement_teacher_reads": "own"},
        {"refinement_teacher_learning_rate": 0.0},
    ],
    ids=["both move", "shared", "frozen", "still"],
)
def test_cross_distillation(tiny, overrides):
    found = compress(tiny, "all", overrides, method="cross")
    stages = {stage["name"]: stage for stage in found.manifest["stages"]}
    assert list(stages) == [
        "teacher",
        "student_distilled",
        "teacher_refined",
        *BEFORE_QAT[1:],
    ]
    assert stages["student_int8"]["value"] >= 0.8
    refined = stages["teacher_refined"]
    assert refined["held_out"] >= refined["held_out_before"] - 0.01


@pytest.mark.slow
def test_a_refinement_that_makes_the_student_worse_is_undone(tiny):
    ruinous = {"refinement_student_learning_rate": 3.0}
    found = compress(tiny, "ruined", ruinous, method="cross")
    stages = {stage["name"]: stage for stage in found.manifest["stages"]}
    refined, distilled = stages["teacher_refined"], stages["student_distilled"]
    assert refined["student_held_out"] < distilled["held_out"]
    assert not refined["kept"]
    for key in ("value", "held_out"):
        assert stages["student_before_qat"][key] == distilled[key]
    checkpoints = found.folder / "checkpoints"
    assert not list((checkpoints / "refinement").glob("*.safetensors"))
    one_way = compress(tiny, "one way", ruinous, method="kd")
    assert found.model == one_way.model  # From the fine-tuned teacher's answers.


@pytest.mark.slow
def test_shared_kernels_and_codes_go_all_the_way(tiny):
    shape = {"layers": 2, "distinct_blocks": 1, "embedding_form": "product"}
    found = compress(tiny, "shared", shape, method="kd", target_sparsity=0.3)
    student = found.manifest["student"]
    assert (student["distinct_blocks"], student["embedding_form"]) == (1, "product")
    assert {"CAST", "GATHER"} <= {op["name"] for op in found.manifest["ops"]}
    runtimes = found.manifest["runtimes"]
    assert runtimes["tflm"]["agreement"] >= 0.9
    assert runtimes["litert"]["value"] >= 0.7
    report = json.loads((found.folder / "report.json").read_text("utf-8"))
    assert all(report["parts"].values())
    layers = [row["layer"] for row in report["layers"]]
    assert "block_0_query" in layers and "block_1_query" in layers


@pytest.mark.slow
def test_stage_by_stage_gives_the_same_bytes(tiny, whole):
    given = choices(tiny, "stages", method="cross", target_sparsity=0.5)
    for stage in STAGES:
        ei_bert_tf.run_stages([stage], work_dir=tiny / "stages", **given)
    assert (tiny / "stages" / "model.tflite").read_bytes() == whole.model


@pytest.mark.slow
def test_a_killed_cross_distillation_ends_with_the_same_bytes(tiny, whole, monkeypatch):
    kills = kill_at(
        monkeypatch,
        [("student", 7), ("refinement", 10), ("pruning", 3), ("quantization", 5)],
    )
    while kills:
        with pytest.raises(Killed):
            compress(tiny, "killed", method="cross", target_sparsity=0.5)
    found = compress(tiny, "killed", method="cross", target_sparsity=0.5)
    assert found.model == whole.model
    # Zeros survive quantization-aware training and stand in the file.
    sparsity = found.manifest["sparsity"]
    assert sparsity["target"] == 0.5
    assert sparsity["zero_share"] >= 0.48
    assert sparsity["deflated_bytes"] < len(found.model)


@pytest.mark.slow
def test_without_pruning_a_file_has_few_zeros(tiny):
    found = compress(tiny, "dense", {"augmented_copies": 0}, method="kd")
    assert "sparsity" not in found.manifest
    assert zeros_of(found.model)["zero_share"] < 0.1


@pytest.mark.slow
def test_noise_on_the_logits_follows_from_the_seed(tiny):
    models = []
    for noise in (0.0, 8.0, 8.0):
        overrides = {"augmented_copies": 0, "quantization_noise": noise}
        given = choices(tiny, "noisy", overrides, method="kd")
        folder = tiny / "noisy"
        ei_bert_tf.run_stages(STAGES[:-1], work_dir=folder, **given)
        ei_bert_tf.run_stages(STAGES[-1:], work_dir=folder, resume=False, **given)
        models.append((folder / "model.tflite").read_bytes())
    assert models[1] == models[2] != models[0]


@pytest.mark.slow
def test_post_training_quantization_rounds_the_distilled_student(tiny):
    overrides = {"augmented_copies": 0, "weight_scales": "channel"}
    found = compress(tiny, "ptq", overrides, method="kd", quantization="ptq")
    manifest = found.manifest
    assert manifest["recipe"]["quantization"] == "ptq"
    assert manifest["student"]["weight_scales"] == "channel"
    report = json.loads((found.folder / "report.json").read_text("utf-8"))
    assert report["run"]["recipe"]["quantization"] == "ptq"
    assert "--quantization=ptq" in report["run"]["command"]
    stages = {stage["name"]: stage for stage in manifest["stages"]}
    # No weight has moved.
    before, after = stages["student_before_qat"], stages["student_float"]
    assert (before["value"], after["value"]) == (before["value"], before["value"])
    assert stages["student_int8"]["value"] >= before["value"] - 0.05
    assert manifest["runtimes"]["tflm"]["agreement"] >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ptq", "qat"])
def test_the_better_quantization_on_held_out_train_is_in_the_file(tiny, way):
    overrides = {"augmented_copies": 0, "student_epochs": 0}  # Much to learn.
    if way == "ptq":
        overrides = {"augmented_copies": 0, "quantization_learning_rate": 3.0}
    done, models = {}, {}
    for asked in ("qat", "ptq", "better"):
        folder = tiny / "better"
        given = choices(tiny, "better", overrides, method="kd", quantization=asked)
        ei_bert_tf.run_stages(STAGES, work_dir=folder, **given)
        record = folder / "checkpoints" / "quantization" / "done.json"
        done[asked] = json.loads(record.read_text())
        models[asked] = (folder / "model.tflite").read_bytes()
    held_out = {asked: done[asked]["held_out"] for asked in ("qat", "ptq")}
    assert done["better"]["quantization"] == {"way": way, "held_out": held_out}
    assert max(held_out, key=held_out.get) == way
    assert models["better"] == models[way]
    assert models["qat"] != models["ptq"]


@pytest.mark.slow
def test_of_two_equal_quantizations_the_trained_student_is_in_the_file(tiny):
    overrides = {"augmented_copies": 0, "quantization_learning_rate": 0.0}
    given = choices(tiny, "equal", overrides, method="kd", quantization="better")
    ei_bert_tf.run_stages(STAGES, work_dir=tiny / "equal", **given)
    record = tiny / "equal" / "checkpoints" / "quantization" / "done.json"
    found = json.loads(record.read_text())["quantization"]
    assert found["held_out"]["qat"] == found["held_out"]["ptq"]
    assert found["way"] == "qat"


@pytest.mark.parametrize(
    ("overrides", "changes", "message"),
    [
        ({}, {"quantization": "int4"}, "=int4: accepted: better, qat, ptq"),
        ({"quantization_ranges": "wide"}, {}, "ranges is 'wide'; accepted: running"),
        ({"quantization_percentile": 50.0}, {}, "percentile is 50.0; above 50 and"),
        (
            {"quantization_ranges": "learned"},
            {"quantization": "ptq"},
            "learned in training only; accepted: running, percentile",
        ),
        ({}, {"target_sparsity": 1.0}, "--target_sparsity=1.0.*below 1"),
        ({}, {"target_sparsity": -0.1}, "--target_sparsity=-0.1.*at least 0"),
        ({"task_layers": "lent"}, {}, "task_layers is 'lent'; accepted: copied"),
        (
            {"refinement_teacher_reads": "all"},
            {},
            "refinement_teacher_reads is 'all'; accepted: student",
        ),
        ({"refinement_epochs": -1}, {}, "refinement_epochs is -1; at least 0"),
    ],
)
def test_refusals(tiny, overrides, changes, message):
    with pytest.raises(InputError, match=message):
        compress(tiny, "refused", overrides, **changes)
    assert not (tiny / "refused").exists()
