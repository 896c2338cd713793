"""A run that leaves a second file with weights of 4 bits."""

import functools
import hashlib
import json

import pytest

import ei_bert_tf
from ei_bert_tf import pipeline, preparation
from ei_bert_tf.bundle import LOOKUP_TABLE_FILE
from ei_bert_tf.conversion.lookup_tables import with_lookup_tables
from ei_bert_tf.errors import InputError
from ei_bert_tf.evaluation.arena import smallest_arena_bytes
from ei_bert_tf.evaluation.runtimes import open_runtime
from ei_bert_tf.firmware import firmware_contents
from ei_bert_tf.job import Job
from tests.killing import Killed, kill_at
from tests.make_tiny_teacher import job_choices, write_task

RECIPE = {
    "teacher_epochs": 10,
    "teacher_learning_rate": 3e-3,
    "student_epochs": 6,
    "student_learning_rate": 3e-3,
    "quantization_epochs": 2,
    "quantization_learning_rate": 1e-3,
    "palette_epochs": 3,
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folder with a tiny teacher and its data, whose weights are large enough."""
    folder = tmp_path_factory.mktemp("tables")
    write_task(folder)
    (folder / "recipe.json").write_text(json.dumps(RECIPE))
    least = functools.partial(with_lookup_tables, least_weights=50)
    with pytest.MonkeyPatch.context() as patch:
        for module in (pipeline, preparation):
            patch.setattr(module, "with_lookup_tables", least)
        patch.setattr(preparation, "LEAST_WEIGHTS", 50)
        yield folder


def choices(folder, **changes):
    return job_choices(folder) | changes


def compress(folder, output, **changes):
    return ei_bert_tf.compress(output_dir=folder / output, **choices(folder, **changes))


@pytest.fixture(scope="module")
def bundle(tiny):
    return compress(tiny, "bundle", lookup_table_weights=True)


@pytest.mark.slow
def test_the_manifest_says_what_the_file_is(bundle):
    content = (bundle.folder / LOOKUP_TABLE_FILE).read_bytes()
    found = bundle.manifest["lookup_table"]
    assert found["bytes"] == len(content)
    assert found["arena_bytes"] == smallest_arena_bytes(content)
    assert found["value"] >= 0.8 and found["agreement"] >= 0.8
    sealed = bundle.manifest["files"][LOOKUP_TABLE_FILE]
    assert sealed["sha256"] == hashlib.sha256(content).hexdigest()
    assert "TFLM_DECODE" not in {op["name"] for op in bundle.manifest["ops"]}
    last = bundle.manifest["stages"][-1]
    assert (last["name"], last["bytes"]) == ("student_lookup_table", len(content))
    done = json.loads((bundle.folder / "checkpoints/palette/done.json").read_text())
    assert done["seconds"] > 0
    assert {key: last[key] for key in ("held_out", "seconds", "resumed")} == {
        key: done[key] for key in ("held_out", "seconds", "resumed")
    }


@pytest.mark.slow
def test_the_firmware_runs_it(bundle):
    contents = firmware_contents(bundle)
    firmware = bundle.folder / "firmware"
    source = (firmware / "src/op_resolver.cc").read_text()
    assert "resolver.AddDecode();" in source
    digest = hashlib.sha256(bundle.lookup_table_model).hexdigest()
    assert digest in (firmware / "src/model_data.cc").read_text()
    config = (firmware / "include/ei_bert/config.h").read_text()
    arena = bundle.manifest["lookup_table"]["arena_bytes"]
    assert f"#define EI_BERT_ARENA_HOST_BYTES {arena}\n" in config
    engine = open_runtime("tflm", bundle.lookup_table_model)
    texts = [vector.text.decode("utf-8", "replace") for vector in contents.golden]
    logits = engine.logits(bundle.tokenizer.encode(texts, None, 13))
    assert [list(vector.logits) for vector in contents.golden] == logits.tolist()


@pytest.mark.slow
def test_a_file_that_is_not_the_runs_is_refused(bundle):
    path = bundle.folder / LOOKUP_TABLE_FILE
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    try:
        with pytest.raises(InputError, match=f"{LOOKUP_TABLE_FILE} is missing or not"):
            ei_bert_tf.Bundle.load(bundle.folder)
    finally:
        path.write_bytes(content)


@pytest.mark.slow
def test_a_killed_stage_ends_with_the_same_bytes(tiny, bundle, monkeypatch):
    kills = kill_at(monkeypatch, [("palette", 4)])
    with pytest.raises(Killed):
        compress(tiny, "again", lookup_table_weights=True)
    assert not kills
    ei_bert_tf.run_stages(
        ["palette"],
        work_dir=tiny / "again",
        **choices(tiny, lookup_table_weights=True),
    )
    again = (tiny / "again" / LOOKUP_TABLE_FILE).read_bytes()
    assert again == bundle.lookup_table_model


@pytest.mark.slow
def test_without_it_nothing_else_changes(tiny, bundle):
    """Nor does the file of an earlier run stay behind."""
    plain = compress(tiny, "again")
    assert plain.model == bundle.model
    assert not (plain.folder / LOOKUP_TABLE_FILE).exists()
    assert "lookup_table" not in plain.manifest
    firmware = (plain.folder / "firmware/src/op_resolver.cc").read_text()
    assert "AddDecode" not in firmware
    phones = [x.folder / "phone" / "model.tflite" for x in (plain, bundle)]
    assert phones[0].read_bytes() == phones[1].read_bytes()


def test_a_student_too_small_for_tables_is_refused(tiny, monkeypatch):
    monkeypatch.setattr(preparation, "LEAST_WEIGHTS", 100_000)
    with pytest.raises(InputError, match=r"--lookup_table_weights.*pay from 100000 on"):
        compress(tiny, "none", lookup_table_weights=True)
    assert not (tiny / "none").exists()


@pytest.mark.slow
def test_the_arena_of_its_tables_is_refused_before_training(tiny):
    asked = choices(tiny, lookup_table_weights=True)
    models = preparation.Preparation(Job(**asked)).untrained_models()
    plain, tables = map(smallest_arena_bytes, models)
    assert plain < tables
    with pytest.raises(InputError, match=f"={plain}: the student needs {tables};"):
        compress(tiny, "none", lookup_table_weights=True, max_arena_bytes=plain)
