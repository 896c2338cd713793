"""The package for Zephyr: module, options and sample."""

import re

import kconfiglib
import pytest
import yaml

from tests.exported import exported

SAMPLE = "samples/serial_classifier"
# Stands for Zephyr's own tree.
TREE = """
config TENSORFLOW_LITE_MICRO
	bool "TensorFlow Lite Micro Support"

source "zephyr/Kconfig"
"""


@pytest.fixture
def package(tmp_path):
    return exported("zephyr", tmp_path / "out")


@pytest.mark.parametrize("tflm", ["n", "y"])
def test_the_classifier_needs_tflm(package, monkeypatch, tflm):
    monkeypatch.setenv("srctree", str(package))
    (package / "Kconfig").write_text(TREE)
    options = kconfiglib.Kconfig("Kconfig", warn_to_stderr=False)
    assert options.warnings == []
    assert options.syms["EI_BERT_CLASSIFIER"].str_value == "n"
    options.syms["EI_BERT"].set_value("y")
    options.syms["TENSORFLOW_LITE_MICRO"].set_value(tflm)
    assert options.syms["EI_BERT_CLASSIFIER"].str_value == tflm
    build = (package / "zephyr" / "CMakeLists.txt").read_text()
    for name in re.findall(r"CONFIG_(EI_BERT\w*)", build):
        assert options.syms[name].nodes


def test_the_module_names_its_files(package):
    module = yaml.safe_load((package / "zephyr" / "module.yml").read_text())
    assert module["name"] == "ei_bert"
    assert (package / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (package / module["build"]["kconfig"]).is_file()
    assert all((package / sample).is_dir() for sample in module["samples"])


def test_the_sample_is_one_that_twister_can_run(package):
    sample = yaml.safe_load((package / SAMPLE / "sample.yaml").read_text())
    assert list(sample) == ["sample", "common", "tests"]
    expected = sample["common"]["harness_config"]["regex"]
    assert re.search(*expected, "# self test: ok, vectors: 16")
    assert sample["common"]["min_ram"] * 1024 > 5008
    for name, test in sample["tests"].items():
        assert name.startswith("sample.ei_bert.serial_classifier")
        assert set(test.get("integration_platforms", [])) <= set(test["platform_allow"])
    options = (package / SAMPLE / "prj.conf").read_text().splitlines()
    assert {"CONFIG_EI_BERT=y", "CONFIG_TENSORFLOW_LITE_MICRO=y"} <= set(options)
    assert all(re.fullmatch(r"CONFIG_\w+=(y|\d+)", option) for option in options)


def test_kernels_of_cmsis_nn_get_their_scratch_memory(package):
    build = (package / "zephyr" / "CMakeLists.txt").read_text()
    assert "zephyr_compile_definitions(EI_BERT_CMSIS_NN)" in build
