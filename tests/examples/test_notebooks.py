"""The notebooks: clean as committed, and run from end to end with short recipes."""

import ast
import json
import os
import pathlib
import re
import subprocess
import sys
import sysconfig

import pytest

import ei_bert_tf
from ei_bert_tf.text.builtin import builtin_model_folder, builtin_rows
from tests.environments import environment
from tests.programs import ROOT

FOLDER = ROOT / "examples" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
ADDRESS = (ROOT / "docs" / "repository.txt").read_text("utf-8").strip()
COLAB = "https://colab.research.google.com"
# What the project's environment lacks; setup.py has the extra `notebooks`.
PACKAGES = ("ipykernel", "matplotlib", "nbclient")
# Beside the public names: the data that the files are made of.
IMPORTED = {"ei_bert_tf", "ei_bert_tf.text.builtin"}
KEYWORDS = {"output_dir", "resume", "shared_stages", *ei_bert_tf.Job.__annotations__}
CELL_KEYS = {
    "markdown": {"cell_type", "id", "metadata", "source"},
    "code": {"cell_type", "execution_count", "id", "metadata", "outputs", "source"},
}
by_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS]
)


def cells(path: pathlib.Path, kind: str | None = None) -> list[dict]:
    found = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def code(path: pathlib.Path) -> list[ast.AST]:
    """All nodes of all code cells."""
    return [
        node
        for cell in cells(path, "code")
        for node in ast.walk(ast.parse(source(cell)))
    ]


def test_there_are_four():
    assert [path.stem[0] for path in NOTEBOOKS] == ["1", "2", "3", "4"]


@by_notebook
def test_it_is_a_notebook_without_outputs(path):
    notebook = json.loads(path.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    identifiers = [cell["id"] for cell in notebook["cells"]]
    assert len(set(identifiers)) == len(identifiers)
    for cell in notebook["cells"]:
        assert set(cell) == CELL_KEYS[cell["cell_type"]]
        assert source(cell).strip() == source(cell)
        assert set(cell["metadata"]) <= {"tags"}
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@by_notebook
def test_addresses_are_those_of_the_repository(path):
    title = source(cells(path)[0])
    place = f"github/{ADDRESS.removeprefix('https://github.com/')}/blob/main"
    name = path.relative_to(ROOT).as_posix()
    image = f"![Open in Colab]({COLAB}/assets/colab-badge.svg)"
    assert f"[{image}]({COLAB}/{place}/{name})" in title
    text = "".join(map(source, cells(path)))
    assert set(re.findall(r"https?://[^\s)\"]*", text)) == {
        ADDRESS,
        f"{COLAB}/assets/colab-badge.svg",
        f"{COLAB}/{place}/{name}",
    }


@by_notebook
def test_the_first_code_cell_installs(path):
    first = source(cells(path, "code")[0])
    assert first == source(cells(NOTEBOOKS[0], "code")[0])
    assert 'find_spec("ei_bert_tf") is None' in first
    assert f'"{ADDRESS}"' in first
    assert "constraints.txt" in first


@by_notebook
def test_one_cell_holds_parameters_and_nothing_else(path):
    tagged = [cell for cell in cells(path) if cell["metadata"].get("tags")]
    (cell,) = tagged
    assert cell["metadata"]["tags"] == ["parameters"]
    for statement in ast.parse(source(cell)).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)


@by_notebook
def test_code_compiles_and_uses_what_is_public(path):
    for cell in cells(path, "code"):
        compile(source(cell), path.name, "exec")
    for node in code(path):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = names if isinstance(node, ast.Import) else [node.module]
            ours = {name for name in modules if name.startswith("ei_bert_tf")}
            assert ours <= IMPORTED
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name.startswith("ei_bert_tf."):
                assert name.split(".")[1] in ei_bert_tf.__all__
        if isinstance(node, ast.Call) and ast.unparse(node.func) == (
            "ei_bert_tf.compress"
        ):
            assert {keyword.arg for keyword in node.keywords} <= KEYWORDS


@by_notebook
def test_files_that_it_names_are_there(path):
    text = "".join(map(source, cells(path, "markdown")))
    names = re.findall(r"`([\w./-]+\.(?:md|py|txt)|\w+\.ipynb)`", text)
    for name in names:
        assert (ROOT / name).is_file() or (FOLDER / name).is_file(), name


@pytest.fixture(scope="module")
def python() -> pathlib.Path:
    """An interpreter with Jupyter's kernel, matplotlib and nothing of the project."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line.split("==")[0] in PACKAGES]
    assert len(pins) == len(PACKAGES)
    return environment("notebooks", [*pins, "-c", str(ROOT / "constraints.txt")])


def surroundings(folder: pathlib.Path) -> dict[str, str]:
    """Variables with which the project and its packages are seen, without network, and
    with homes in a folder."""
    paths = sysconfig.get_paths()
    seen = dict.fromkeys([str(ROOT), paths["purelib"], paths["platlib"]])
    homes = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR")
    own = {name: str(folder / name.lower()) for name in homes}
    own |= {"PYTHONPATH": os.pathsep.join(seen), "PIP_NO_INDEX": "1"}
    return os.environ | own


SHORT = {
    "teacher_epochs": 1,
    "teacher_learning_rate": 5e-4,
    "teacher_average": 0.8,
    "student_epochs": 4,
    "quantization_epochs": 1,
    "statistics_texts": 100,
    # The graphs are traced anew for each student, which takes longer than the steps.
    "layers": 1,
}
# Other values for the parameters, and how many plots are shown.
RUNS = {
    "1_csv_to_bundle": (
        {"ROWS": 300, "MAX_MODEL_BYTES": 500_000, "MAX_SEQ_LENGTH": 24},
        0,
    ),
    "2_cross_distillation": (
        {"ROWS": 300, "WORDS": 16, "MAX_MODEL_BYTES": 500_000, "MAX_SEQ_LENGTH": 20},
        3,
    ),
    "3_bundle_to_arduino": ({}, 0),
    "4_size_and_accuracy": (
        {"ROWS": 300, "WORDS": 16, "SIZES": [250_000, 350_000], "MAX_SEQ_LENGTH": 20},
        3,
    ),
}


@pytest.mark.slow
@by_notebook
def test_it_runs(path, python, tmp_path):
    """Without network: what is built in has been fetched before."""
    builtin_rows("bbc_news")
    builtin_model_folder("minilm-l6")
    changes, plots = RUNS[path.stem]
    changes = changes | {"OUTPUT": str(tmp_path / "output")}
    if "ROWS" in changes:
        changes["RECIPE"] = SHORT | {"refinement_epochs": 2}
    shown = tmp_path / "shown.ipynb"
    done = subprocess.run(
        [python, ROOT / "tests" / "run_notebook.py", path, json.dumps(changes), shown],
        env=surroundings(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    outputs = [output for cell in cells(shown, "code") for output in cell["outputs"]]
    images = [kind for o in outputs for kind in o.get("data", {}) if "image" in kind]
    assert len(images) == plots
    for manifest in (tmp_path / "output").rglob("manifest.json"):
        bundle = ei_bert_tf.Bundle.load(manifest.parent)
        assert len(bundle.model) <= bundle.manifest["max_model_bytes"]
        # Five topics, of which the most frequent has a quarter of the texts.
        assert bundle.manifest["stages"][0]["value"] > 0.4


@pytest.mark.slow
def test_the_first_cell_fetches_what_is_missing(tmp_path):
    """git takes this clone in place of the address; pip installs from it."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in pathlib.Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "ei_bert_tf" not in path.name:
            (packages / path.name).symlink_to(path)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    settings = {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.{ROOT.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
        "GIT_CONFIG_KEY_1": "safe.directory",
        "GIT_CONFIG_VALUE_1": "*",
        "PYTHONPATH": str(packages),
    }
    first = source(cells(NOTEBOOKS[0], "code")[0])
    check = "import ei_bert_tf; print(ei_bert_tf.__file__); print(os.getcwd())"
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "python", "-c", f"{first}\n{check}"],
        cwd=tmp_path,
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    clone = tmp_path / "ei_bert_tf_clone"
    module = clone / "ei_bert_tf" / "__init__.py"
    assert done.stdout.splitlines()[-2:] == [str(module), str(clone)]
    assert (clone / "examples" / "bundle_bbc_news").is_dir()
