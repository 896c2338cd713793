"""examples/phone/web in a browser, with MediaPipe's package for the web."""

import dataclasses
import json
import shutil
import subprocess

import pytest

from firmware_export.phone import write_phone
from tests.browser import posted_by
from tests.environments import FOLDER
from tests.phone_program import load_program
from tests.programs import ROOT
from tests.real_contents import real_contents

PACKAGE = "@mediapipe/tasks-text"
VERSION = "1.0.1"
TEXTS = ["on", "\u00d6ffs off", "", "x \u00d6n", "O\u0301n", "off\u4e2doffs", "ON\x01s"]


def package_folder():
    """The npm package, fetched once."""
    folder = FOLDER / f"tasks-text-{VERSION}"
    found = folder / "node_modules" / PACKAGE
    if not (found / "package.json").is_file():
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
        subprocess.run(
            [*install, "--prefix", folder, f"{PACKAGE}@{VERSION}"], check=True
        )
    return found


@pytest.mark.slow
def test_the_page_classifies_as_the_program_does(tmp_path):
    contents = dataclasses.replace(real_contents(2, False), unknown_label="?")
    site = tmp_path / "site"
    write_phone(contents, site / "phone")
    shutil.copytree(ROOT / "examples" / "phone" / "web", site / "web")
    shutil.copy(ROOT / "firmware_export" / "page" / "text_normalizer.js", site / "web")
    shutil.copy(ROOT / "tests" / "phone" / "page.html", site)
    (site / "texts.json").write_text(json.dumps(TEXTS))
    (site / "package").symlink_to(package_folder())
    _, results = posted_by(site, "page.html", tmp_path / "profile")
    assert isinstance(results, list), results
    classifier = load_program(site / "phone").Classifier()
    answers = [classifier.classify(text) for text in TEXTS]
    assert 0 < results.count(None) < len(TEXTS)
    for answer, result in zip(answers, results, strict=True):
        if answer["label"] == "?":
            assert result is None
        else:
            assert result["categoryName"] == answer["label"]
            assert abs(result["score"] - answer["probability"]) <= 1.5 / 256
