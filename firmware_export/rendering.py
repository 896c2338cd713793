"""Fills the templates of generated files; the same fields give the same text."""

import hashlib
import pathlib

import jinja2

FORMAT_VERSION = 1

TEMPLATES_FOLDER = pathlib.Path(__file__).with_name("templates")
TARGETS_FOLDER = pathlib.Path(__file__).with_name("targets")

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader([TEMPLATES_FOLDER, TARGETS_FOLDER]),
    undefined=jinja2.StrictUndefined,
    # The output is C++, not HTML.
    autoescape=False,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, model: bytes, **fields: object) -> str:
    """The text of one generated file.

    Args:
        template: a file in `templates/` or `targets/`.
        model: the .tflite that the file belongs to; its sha256 stands in the header.
        **fields: whatever else the template names.
    """
    sha256 = hashlib.sha256(model).hexdigest()
    return render_plain(template, model_sha256=sha256, **fields)


def render_plain(template: str, **fields: object) -> str:
    """The text of a generated file that belongs to no model."""
    return _TEMPLATES.get_template(template).render(
        format_version=FORMAT_VERSION, **fields
    )
