"""Manifests that no run leaves are refused in one line."""

import json

import pytest

import ei_bert_tf
from ei_bert_tf.errors import InputError
from tests.tiny_bundle import tiny_bundle


@pytest.mark.parametrize(
    "wrong",
    [
        lambda manifest: [manifest],
        lambda manifest: {},
        lambda manifest: without(manifest, "files"),
        lambda manifest: without(manifest, "task"),
        lambda manifest: without(manifest, "calibration"),
        lambda manifest: manifest | {"files": []},
        lambda manifest: manifest | {"task": manifest["task"] | {"more": 1}},
        lambda manifest: manifest | {"task": without(manifest["task"], "labels")},
    ],
)
def test_a_manifest_that_no_run_leaves_is_refused(tmp_path, wrong):
    folder = tiny_bundle(tmp_path / "out").folder
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps(wrong(manifest)), "utf-8")
    with pytest.raises(InputError, match=r"--bundle=.*: no readable manifest\.json"):
        ei_bert_tf.Bundle.load(folder)


def without(data, key):
    return {name: value for name, value in data.items() if name != key}


@pytest.mark.parametrize("listed", [3, {}, {"bytes": 1}])
def test_a_file_whose_digest_is_not_listed_is_refused(tmp_path, listed):
    folder = tiny_bundle(tmp_path / "out").folder
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"]["vocab.txt"] = listed
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(InputError, match=r"vocab\.txt is missing or not the manifest"):
        ei_bert_tf.Bundle.load(folder)


def test_a_manifest_of_another_format_is_refused(tmp_path):
    folder = tiny_bundle(tmp_path / "out").folder
    (folder / "manifest.json").write_text('{"format_version": 0}', "utf-8")
    with pytest.raises(InputError, match="format 0; accepted: 1"):
        ei_bert_tf.Bundle.load(folder)
