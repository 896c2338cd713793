"""Builds docs/flags.md from the programs' flags and from the recipe and its presets.

usage: python -m docs.site.flags_page [--write]
Without --write it prints the page.
"""

import dataclasses
import importlib
import inspect
import pathlib
import re
import types

from absl import app, flags

from ei_bert_tf.recipe import PRESET_METHODS, PRESETS, Recipe

_WRITE = flags.DEFINE_bool("write", False, "Write docs/flags.md.")
_DOCS = pathlib.Path(__file__).parents[1]
_TOOLS = _DOCS.parent / "tools"
_START = """\
# Flags and recipe

<!-- Written by docs/site/flags_page.py. -->

`python -m tools.export_firmware` in a clone is `ei-bert-export-firmware` where the
package is installed, and so for every program. `--help` of each says what stands here.
A flag that is true or false is switched off as `--noresume`. A wrong flag or file is
refused in one line before anything is trained, with exit status 1:
[troubleshooting](troubleshooting.md).
"""
_JOB = """\
## Flags of a job

What `tools.compress` and the programs of single stages share. In Python they are the
keywords of `ei_bert_tf.compress`, but for `train_file`, `eval_file`, `text_columns` and
`label_column`, which are `train`, `evaluate`, `text` and `label` there.
"""
_RECIPE = """\
## The recipe

`--preset` sets all choices of a training, `--recipe=FILE.json` overrides single ones:

```json
{"student_epochs": 6, "layers": 2}
```

What they mean, and where their formulas are: [the method](method.md).
"""


def page() -> str:
    """The whole page."""
    job = _flag_table("_job")
    stage = _flag_table("_stage")
    sections = [_START, _JOB, job]
    for path in sorted(_TOOLS.glob("[a-z]*.py")):
        sections += _program(path.stem, stage)
    sections += [_RECIPE, _meanings(), _values()]
    return "\n".join(section.rstrip() + "\n" for section in sections)


def _program(name: str, stage: str) -> list[str]:
    """Heading, description and flags of a program."""
    own = _flag_table(name)
    module = importlib.import_module(f"tools.{name}")
    shared = [
        found.__name__.rsplit(".", 1)[-1]
        for found in vars(module).values()
        if isinstance(found, types.ModuleType)
    ]
    sections = [f"## `tools.{name}`", f"```text\n{(module.__doc__ or '').strip()}\n```"]
    if {"_job", "_stage"} & set(shared):
        sections.append("The [flags of a job](#flags-of-a-job), and:")
    return [*sections, stage if "_stage" in shared else own]


def _flag_table(name: str) -> str:
    """The flags of a module of tools/, which are then unknown again to absl.

    Programs that never meet in one process have flags of the same name.
    """
    module = f"tools.{name}"
    importlib.import_module(module)
    found = flags.FLAGS.flags_by_module_dict().get(module, [])
    rows = [("flag", "accepted", "default", "meaning"), ("---",) * 4]
    for flag in list(found):
        # absl puts the values of an enumeration before its help.
        meaning = re.sub(r"^<.*?>: ", "", flag.help).replace("|", r"\|")
        # And adds a line to that of one that may be repeated.
        meaning = meaning.split(";\n")[0]
        rows.append((f"`--{flag.name}`", _accepted(flag), _default(flag), meaning))
        delattr(flags.FLAGS, flag.name)
    return _table(rows)


def _accepted(flag: flags.Flag) -> str:
    values = getattr(flag.parser, "enum_values", None)
    if values:
        accepted = ", ".join(f"`{value}`" for value in values)
        return accepted + ", repeated" * isinstance(flag, flags.MultiFlag)
    kinds = {
        "bool": "true or false",
        "string": "text",
        "int": "integer",
        "float": "number",
        "comma separated list of strings": "values, by commas",
    }
    return kinds[flag.flag_type()]


def _default(flag: flags.Flag) -> str:
    if flag.default is None:
        return ""
    if isinstance(flag, flags.MultiFlag):
        return f"`{', '.join(flag.default)}`"
    return f"`{flag.default_as_str.strip(chr(39))}`"


def _meanings() -> str:
    """What Recipe's docstring says of its fields, an entry a line."""
    _, text = inspect.cleandoc(Recipe.__doc__ or "").split("Attributes:\n")
    lines = []
    for entry in re.sub(r"\n {8}", " ", text).splitlines():
        names, meaning = entry.strip().split(": ", 1)
        named = ", ".join(f"`{name}`" for name in names.split(", "))
        lines.append(f"- {named}: {meaning}")
    return "\n".join(lines)


def _values() -> str:
    """Every choice in every preset; in bold where a preset differs from the default."""
    rows = [("choice", *(f"`{name}`" for name in PRESETS))]
    rows.append(("---",) * len(rows[0]))
    presets = [Recipe.preset(name).to_json() for name in PRESETS]
    for field in dataclasses.fields(Recipe):
        cells = [
            f"{preset[field.name]}"
            if preset[field.name] == field.default
            else f"**{preset[field.name]}**"
            for preset in presets
        ]
        rows.append((f"`{field.name}`", *cells))
    methods = (f"`{PRESET_METHODS[name]}`" for name in PRESETS)
    rows.append(("`--method`, unless it is given", *methods))
    return _table(rows)


def _table(rows: list[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def main(_: list[str]) -> None:
    """Prints or writes the page."""
    if not _WRITE.value:
        print(page(), end="")
        return
    (_DOCS / "flags.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    app.run(main)
