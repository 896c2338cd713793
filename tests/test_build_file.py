"""BUILD names every file of the tree, and each Python file once as a source."""

import ast
import collections
import pathlib

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ("ei_bert_tf", "tools", "firmware_export", "tests", "benchmarks", "examples")
PROGRAMS = ("tools", "benchmarks", "examples", "docs")
LEFT_BY_TOOLS = ("__pycache__", "build", "dist")


def value_of(node: ast.expr) -> object:
    """A literal, or the files of a `glob`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "glob":
        (patterns,) = map(ast.literal_eval, node.args)
        found = [path for pattern in patterns for path in ROOT.glob(pattern)]
        return [p.relative_to(ROOT).as_posix() for p in sorted(found) if p.is_file()]
    return ast.literal_eval(node)


def targets() -> list[dict[str, object]]:
    """The calls of BUILD, whose syntax is a subset of Python's."""
    tree = ast.parse((ROOT / "BUILD").read_text("utf-8"))
    found = []
    for statement in tree.body:
        call = getattr(statement, "value", None)
        if isinstance(call, ast.Call):
            values = {k.arg: value_of(k.value) for k in call.keywords}
            found.append({"rule": ast.unparse(call.func)} | values)
    return found


def files_of_the_tree() -> set[str]:
    """All but what tools leave: hidden folders, caches, `build` and `dist`."""
    found = {path.name for path in ROOT.iterdir() if path.is_file()}
    found.discard("BUILD")
    for folder in (*FOLDERS, "docs", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder).parts
            left = any(part[0] == "." or part in LEFT_BY_TOOLS for part in inside)
            if path.is_file() and not left:
                found.add(path.relative_to(ROOT).as_posix())
    return {name for name in found if not name.startswith(".cov")}


def test_every_file_is_in_a_target():
    named = {
        name
        for target in targets()
        for name in [*target.get("srcs", []), *target.get("data", [])]
        if not name.startswith(":")
    }
    assert named == files_of_the_tree()


def test_every_file_is_the_source_of_one_target():
    files = {name for name in files_of_the_tree() if name.endswith(".py")}
    named = collections.Counter(
        source
        for target in targets()
        for source in target.get("srcs", [])
        if source.endswith(".py")
    )
    assert set(named) == files
    del named["tests/bazel_main.py"]  # The main file of every test.
    assert set(named.values()) == {1}


def test_rules_follow_the_folders():
    for target in targets():
        if target["rule"] == "filegroup":
            continue
        for source in target.get("srcs", []):
            folder, name = source.split("/")[0], source.split("/")[-1]
            if name.startswith("test_"):
                assert target["rule"] == "py_test"
            elif folder in PROGRAMS and name[0] != "_":
                assert target["rule"] == "py_binary"
            elif source != "tests/bazel_main.py":
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
        if not str(target["rule"]).startswith("py_"):
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
        folder / "flash.json",
        folder / "python" / "unicode.json",
        *(folder / "page").iterdir(),
        *(folder / "templates").iterdir(),
        *(folder / "c").rglob("*.*"),
        *(path for path in (folder / "targets").rglob("*") if path.is_file()),
    ]
    assert set(data) == {path.relative_to(ROOT).as_posix() for path in wanted}
