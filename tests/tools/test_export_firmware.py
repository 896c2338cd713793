"""tools.export_firmware: the package, and refusals that leave nothing."""

import pytest

from ei_bert_tf.errors import InputError
from ei_bert_tf.firmware import export_firmware
from firmware_export.target import TARGETS
from tests.exported import read
from tests.programs import refusal, run_program
from tests.tiny_bundle import tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "out")


def test_the_program_exports_the_same_bytes_twice(bundle, tmp_path):
    flags = [f"--bundle={bundle.folder}", "--target=cmake", "--sequence=5"]
    done = run_program("export_firmware", *flags, f"--output_dir={tmp_path / 'a'}")
    assert done.returncode == 0, done.stderr
    assert "cmake package" in done.stdout.decode()
    export_firmware(bundle, "cmake", tmp_path / "b", sequence=5)
    export_firmware(bundle, "zephyr", tmp_path / "c", sequence=5)
    export_firmware(bundle, "cmake", tmp_path / "c", sequence=5)
    first = read(tmp_path / "a")
    assert first == read(tmp_path / "b") == read(tmp_path / "c")
    assert "VERSION 1.0.5" in first["CMakeLists.txt"].decode()
    assert first["ei_bert.blob"].startswith(b"EIBERT")


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_exported(bundle, tmp_path, target):
    export_firmware(bundle, target, tmp_path / "out", "ascii", "text")
    assert (tmp_path / "out" / "README.md").is_file()


@pytest.mark.parametrize(
    ("flag", "accepted"),
    [
        ("--target=make", "cmake|arduino|esp-idf|zephyr|bazel"),
        ("--unicode=greek", "full|latin|ascii"),
        ("--model_form=oct", "hex|text|object-arm|object-x86-64"),
        ("--sequence=-1", "[0, 4294967295]"),
        ("--sequence=4294967296", "[0, 4294967295]"),
        ("--sequence=one", "one"),
        ("--bundle=", "--bundle is missing"),
    ],
)
def test_the_program_refuses_by_the_flag(tmp_path, flag, accepted):
    given = {"bundle": tmp_path, "target": "cmake", "output_dir": tmp_path / "out"}
    flags = [f"--{name}={value}" for name, value in given.items()]
    line = refusal("export_firmware", *flags, flag)
    assert flag.split("=")[0].lstrip("-") in line
    assert accepted in line
    assert list(tmp_path.iterdir()) == []


def test_the_program_refuses_in_one_line_what_is_no_bundle(tmp_path):
    line = refusal(
        "export_firmware",
        *(f"--bundle={tmp_path}", "--target=cmake", f"--output_dir={tmp_path / 'out'}"),
    )
    assert f"--bundle={tmp_path}: no readable manifest.json" in line


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"target": "make"}, "--target=make: accepted: cmake, "),
        ({"unicode": "greek"}, "--unicode=greek: accepted: full, "),
        ({"model_form": "oct"}, "--model_form=oct: accepted: hex, "),
        ({"sequence": -1}, "--sequence=-1: 0 to 4294967295 is accepted"),
        (
            {"target": "arduino", "model_form": "object-arm"},
            "--model_form=object-arm: --target=arduino builds sources only; accepted: "
            "hex, text",
        ),
    ],
)
def test_a_wrong_choice_is_refused(bundle, tmp_path, choices, message):
    with pytest.raises(InputError) as error:
        export_firmware(bundle, **{"target": "cmake", **choices}, output_dir=tmp_path)
    assert str(error.value).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_refused(bundle, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match=f"^--output_dir={tmp_path}: exists and is no"):
        export_firmware(bundle, "cmake", tmp_path)
    # The firmware folder of a bundle is none of the packages either.
    with pytest.raises(InputError, match="--output_dir"):
        export_firmware(bundle, "cmake", bundle.folder)
    assert read(tmp_path) == {"mine.txt": b"keep"}


def test_a_folder_that_cannot_be_written_is_named(bundle, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as error:
        export_firmware(bundle, "cmake", tmp_path / "file" / "out")
    assert error.value.filename is not None


def test_what_the_bundle_cannot_give_is_refused_by_its_name(tmp_path):
    bundle = tiny_bundle(tmp_path / "bundle")
    bundle.manifest["ops"][0]["name"] = "GELU"
    with pytest.raises(InputError) as error:
        export_firmware(bundle, "cmake", tmp_path / "out")
    line = str(error.value)
    assert line.startswith(f"--bundle={bundle.folder}: operators: no kernel is known")
    assert not (tmp_path / "out").exists()
