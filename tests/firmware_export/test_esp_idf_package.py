"""The package for ESP-IDF: partitions, defaults, options and manifest."""

import re

import kconfiglib
import pytest
import yaml

from firmware_export.flash_layout import PAGE_BYTES, FlashLayout
from firmware_export.target import target_files
from tests.exported import exported, small_contents
from tests.tiny_contents import tiny_contents

TABLE_END = 0x9000


def partitions(files: dict[str, str | bytes]) -> dict[str, list[str]]:
    rows = [
        [field.strip() for field in line.split(",")]
        for line in files["example/partitions.csv"].splitlines()
        if not line.startswith("#")
    ]
    return {name: rest for name, *rest in rows}


@pytest.mark.parametrize("model_bytes", [1001, 65_000, 990_000, 1_910_000])
def test_partitions_follow_each_other_and_hold_the_blobs(model_bytes):
    contents = tiny_contents(model=bytes(range(250)) * (model_bytes // 250))
    files = target_files(contents, "esp-idf")
    table = partitions(files)
    assert list(table) == ["nvs", "phy_init", "factory", "ei_bert_a", "ei_bert_b"]
    end = TABLE_END
    for name, (kind, subtype, offset, size) in table.items():
        assert len(name) <= 16
        assert int(offset, 16) == end, name
        end += int(size, 16)
        if name.startswith("ei_bert"):
            # A type of the application's own.
            assert 0x40 <= int(kind, 16) <= 0xFE
            assert int(subtype, 16) <= 0xFE
            assert int(offset, 16) % PAGE_BYTES == int(size, 16) % PAGE_BYTES == 0
            assert int(size, 16) >= len(files["ei_bert/ei_bert.blob"])
    assert table["factory"][:3] == ["app", "factory", "0x10000"]
    (megabytes,) = re.findall(
        r"CONFIG_ESPTOOLPY_FLASHSIZE_(\d+)MB=y", files["example/sdkconfig.defaults"]
    )
    assert end <= int(megabytes) << 20 < 2 * end + (4 << 20)


def test_a_flash_that_does_not_exist_is_refused():
    assert FlashLayout(2_000_000).megabytes == 8
    with pytest.raises(ValueError, match="60000000 bytes; too many"):
        _ = FlashLayout(60_000_000).megabytes


def test_the_options_are_those_that_the_build_asks_for(tmp_path):
    component = exported("esp-idf", tmp_path / "out") / "ei_bert"
    options = kconfiglib.Kconfig(str(component / "Kconfig"), warn_to_stderr=False)
    assert options.warnings == []
    found = {name for name, symbol in options.syms.items() if symbol.nodes}
    asked = re.findall(r"CONFIG_(\w+)", (component / "CMakeLists.txt").read_text())
    assert found == set(asked)
    assert options.syms["EI_BERT_ARENA_SCRATCH_BYTES"].str_value == "4096"
    header = (component / "include" / "ei_bert" / "config.h").read_text()
    assert "#ifndef EI_BERT_ARENA_SCRATCH_BYTES" in header


def test_the_manifest_names_tflm():
    files = target_files(small_contents(), "esp-idf", sequence=3)
    manifest = yaml.safe_load(files["ei_bert/idf_component.yml"])
    assert manifest["version"] == "1.0.3"
    assert list(manifest["dependencies"]) == ["idf", "espressif/esp-tflite-micro"]
    # What the console's buffer holds comes in between two ticks.
    bytes_a_second, buffer_bytes = 115_200 / 10, 128
    (rate,) = re.findall(r"FREERTOS_HZ=(\d+)", files["example/sdkconfig.defaults"])
    assert bytes_a_second / int(rate) < buffer_bytes
