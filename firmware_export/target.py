"""Packages of the firmware for build systems, one folder in `targets/` for each.

A file of such a folder stands in the package where it stands there; one that ends in
`.j2` is a template. The files of `targets/common/` belong to the example of every
package, those of `targets/host/` to the examples that run on a computer as well.
"""

import dataclasses
import hashlib
import json
import pathlib
import re
from collections.abc import Callable, Mapping

from firmware_export.arrays import FORMS
from firmware_export.contents import Contents
from firmware_export.flash_layout import FlashLayout
from firmware_export.folder import write_folder
from firmware_export.package import BLOB, firmware_files
from firmware_export.rendering import FORMAT_VERSION, TARGETS_FOLDER, render
from firmware_export.resolver import KERNELS

_MARK = "ei_bert_export.json"
_COMMON, _HOST = "common", "host"
_TEMPLATE = ".j2"
_ARRAYS = tuple(form for form in FORMS if not form.startswith("object-"))


def _as_it_is(path: str) -> str:
    return path


def _component(path: str) -> str:
    return f"ei_bert/{path}"


def _arduino(path: str) -> str:
    """Sources lie beside the headers, where no other library's includes find them."""
    if path == BLOB:
        return f"extras/{BLOB}"
    name = path.rsplit("/", 1)[-1]
    return f"src/ei_bert/{name.removesuffix('.cc')}{'.cpp' * name.endswith('.cc')}"


@dataclasses.dataclass(frozen=True)
class Target:
    """A build system.

    Attributes:
        example: folder of the example's sources.
        shared: folders of `targets/` with some of these sources.
        placed: where a file of the firmware folder goes.
        forms: in which of FORMS it takes the model.
    """

    example: str
    shared: tuple[str, ...] = (_COMMON,)
    placed: Callable[[str], str] = _as_it_is
    forms: tuple[str, ...] = FORMS


TARGETS = {
    "cmake": Target("examples/serial_classifier", (_COMMON, _HOST)),
    "arduino": Target("examples/SerialClassifier", placed=_arduino, forms=_ARRAYS),
    "esp-idf": Target("example/main", placed=_component, forms=_ARRAYS),
    "zephyr": Target("samples/serial_classifier/src"),
    "bazel": Target("example", (_COMMON, _HOST)),
}


def target_files(
    contents: Contents, target: str, model_form: str = FORMS[0], sequence: int = 1
) -> dict[str, str | bytes]:
    """All files by path inside the package.

    Args:
        contents: what a bundle holds.
        target: one of TARGETS.
        model_form: how the model comes, one of the target's forms.
        sequence: number of the blob, and last part of the package's version.

    Raises:
        ValueError: as firmware_files, or an unknown target, or a form that it can't
            build.
    """
    if target not in TARGETS:
        raise ValueError(f"target {target!r}; accepted: {', '.join(TARGETS)}")
    layout = TARGETS[target]
    if model_form not in layout.forms:
        raise ValueError(
            f"model form {model_form!r} for target {target}; accepted: "
            f"{', '.join(layout.forms)}"
        )
    files = {
        layout.placed(path): text
        for path, text in firmware_files(contents, model_form, sequence).items()
    }
    fields = _fields(contents, files, sequence)
    files[_MARK] = _record(contents, target, model_form, fields)
    for folder in layout.shared:
        files |= _laid_out(contents, folder, f"{layout.example}/", fields)
    return files | _laid_out(contents, target, "", fields)


def write_target(files: Mapping[str, str | bytes], folder: pathlib.Path) -> None:
    """Writes a package in place of an older one, of whichever target.

    Args:
        files: what target_files gives.
        folder: the folder to write.

    Raises:
        ValueError: the folder holds something else than an older package.
    """
    write_folder(files, folder, _MARK, "exported package")


def _laid_out(
    contents: Contents, folder: str, start: str, fields: dict[str, object]
) -> dict[str, str | bytes]:
    """The files of a folder of `targets/` by path inside the package."""
    found: dict[str, str | bytes] = {}
    for path in (TARGETS_FOLDER / folder).rglob("*"):
        name = path.relative_to(TARGETS_FOLDER / folder).as_posix()
        if path.suffix == _TEMPLATE:
            text = render(f"{folder}/{name}", contents.model, **fields)
            found[start + name.removesuffix(_TEMPLATE)] = text
        elif path.is_file():
            found[start + name] = path.read_bytes()
    return found


def _fields(
    contents: Contents, files: dict[str, str | bytes], sequence: int
) -> dict[str, object]:
    """What the templates may name."""
    patterns = {
        "c_sources": r".*\.c",
        "cc_sources": r".*\.cc",
        "public_headers": r"(.*/)?include/.*\.h",
        "private_headers": r"(.*/)?src/[^/]*\.h",
        "objects": r".*\.o",
    }
    found = {
        field: sorted(path for path in files if re.fullmatch(pattern, path))
        for field, pattern in patterns.items()
    }
    names = sorted({operator["name"] for operator in contents.operators})
    blob = next(text for path, text in files.items() if path.endswith(BLOB))
    return {
        **found,
        "contents": contents,
        "version": f"{FORMAT_VERSION}.0.{sequence}",
        "methods": [KERNELS[name][0] for name in names],
        "operators": names,
        "model_bytes": len(contents.model),
        "line": "text<TAB>pair" if contents.pair else "text",
        "flash": FlashLayout(len(blob)),
    }


def _record(
    contents: Contents, target: str, model_form: str, fields: dict[str, object]
) -> str:
    """By this file an older package is known, and what it was made with."""
    record = {
        "generator": "firmware_export",
        "format_version": FORMAT_VERSION,
        "target": target,
        "version": fields["version"],
        "model_form": model_form,
        "unicode": contents.unicode,
        "model_sha256": hashlib.sha256(contents.model).hexdigest(),
    }
    return json.dumps(record, indent=1) + "\n"
