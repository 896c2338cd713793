"""BUILD names every Python file of the tree, once as a source, and no other."""

import ast
import collections
import pathlib

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ("ei_bert_tf", "tools", "firmware_export", "tests", "benchmarks", "examples")


def targets() -> list[dict[str, object]]:
    """The calls of BUILD, whose syntax is a subset of Python's."""
    tree = ast.parse((ROOT / "BUILD").read_text("utf-8"))
    found = []
    for statement in tree.body:
        call = getattr(statement, "value", None)
        if isinstance(call, ast.Call):
            values = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
            found.append({"rule": ast.unparse(call.func)} | values)
    return found


def test_every_file_is_the_source_of_one_target():
    files = {"setup.py"}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            if "build" not in path.relative_to(ROOT).parts:
                files.add(path.relative_to(ROOT).as_posix())
    named = collections.Counter(
        source for target in targets() for source in target.get("srcs", [])
    )
    assert set(named) == files
    del named["tests/bazel_main.py"]  # The main file of every test.
    assert set(named.values()) == {1}


def test_rules_follow_the_folders():
    for target in targets():
        for source in target.get("srcs", []):
            folder, name = source.split("/")[0], source.split("/")[-1]
            if name.startswith("test_"):
                assert target["rule"] == "py_test"
            elif folder in ("tools", "benchmarks", "examples") and name[0] != "_":
                assert target["rule"] == "py_binary"
            elif source != "setup.py" and source != "tests/bazel_main.py":
                assert target["rule"] == "py_library"


def imported(source: str, owners: dict[str, str]) -> set[str]:
    """The targets whose modules a file imports."""
    package = source.removesuffix(".py").split("/")[:-1]
    modules = set()
    for node in ast.walk(ast.parse((ROOT / source).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            modules.update([base, *(f"{base}.{alias.name}" for alias in node.names)])
    return {owners[module] for module in modules if module in owners}


def test_deps_are_what_the_sources_import():
    owners = {}
    for target in targets():
        for source in target.get("srcs", []):
            module = source.removesuffix(".py").removesuffix("/__init__")
            owners[module.replace("/", ".")] = target["name"]
    for target in targets():
        if target["rule"] == "package":
            continue
        wanted = {name for s in target["srcs"] for name in imported(s, owners)}
        if target["rule"] == "py_test":
            wanted.add("testing")  # conftest.py, which pytest finds by itself.
        # What `import ei_bert_tf` offers lies behind a lazy attribute.
        given = {name.removeprefix(":") for name in target.get("deps", [])}
        assert given - {"ei_bert_tf"} == wanted - {target["name"], "ei_bert_tf"}, (
            target["name"]
        )


def test_templates_and_c_sources_travel_with_the_export():
    (data,) = [t["data"] for t in targets() if t.get("name") == "firmware_export"]
    folder = ROOT / "firmware_export"
    wanted = [
        *(folder / "templates").iterdir(),
        *(folder / "c").rglob("*.*"),
        *(path for path in (folder / "targets").rglob("*") if path.is_file()),
    ]
    assert set(data) == {path.relative_to(ROOT).as_posix() for path in wanted}
