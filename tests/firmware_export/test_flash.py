"""The stated flash is what the cross compiler makes of the sources."""

import dataclasses
import json
import shutil

import pytest

from benchmarks._cortex_m import CORES, part_sizes
from benchmarks._digests import written_digests
from firmware_export.flash import (
    CODE_SLACK_BYTES,
    RECORD,
    flash_bytes,
    flash_sizes,
    vocabulary_bytes,
)
from firmware_export.package import write_firmware
from tests.real_contents import real_contents
from tests.tiny_contents import tiny_contents

DATA = ("vocabulary", "unicode_tables", "task")
CODE = ("tokenizer", "blob", "self_test", "names")


def test_the_record_is_about_these_sources():
    record = json.loads(RECORD.read_text("utf-8"))
    assert record["sources"] == written_digests(), "python -m benchmarks.flash_sizes"
    assert list(record["cores"]) == list(CORES)


def test_the_data_is_model_vocabulary_and_tables():
    contents = tiny_contents(unicode="latin")
    tables = flash_sizes(contents)["cortex-m4"]["unicode_tables"]
    parts = (len(contents.model), vocabulary_bytes(contents), tables)
    assert flash_bytes(contents) == sum(parts)


@pytest.mark.slow
@pytest.mark.parametrize("unicode", ["full", "ascii"])
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize(
    "contents",
    [
        tiny_contents(),
        tiny_contents(golden=(), labels=(), pieces=tiny_contents().pieces[:5]),
        real_contents(3, True),
    ],
    ids=["tiny", "empty", "real"],
)
def test_the_compiler_says_the_same(tmp_path, contents, core, unicode):
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    contents = dataclasses.replace(contents, unicode=unicode)
    write_firmware(contents, tmp_path / "firmware")
    measured = part_sizes(tmp_path / "firmware", CORES[core])
    stated = flash_sizes(contents)[core]
    for part in DATA:
        assert stated[part] == measured[part]["flash_bytes"], part
    for part in CODE:
        difference = stated[part] - measured[part]["flash_bytes"]
        assert abs(difference) <= CODE_SLACK_BYTES, part
    stack = stated["tokenizer_stack"] - measured["tokenizer"]["stack_bytes"]
    assert abs(stack) <= CODE_SLACK_BYTES
