"""Gives a bundle to the export of the demo page."""

import os
import pathlib

from ei_bert_tf.bundle import Bundle
from ei_bert_tf.errors import InputError, writing
from ei_bert_tf.firmware import bundle_contents
from ei_bert_tf.text.builtin import cache_folder
from firmware_export.demo_page import write_demo_page
from firmware_export.web_runtime import runtime_files


def export_demo_page(bundle: Bundle, output_dir: str | os.PathLike[str]) -> None:
    """Writes a static folder in which a browser classifies texts with the bundle.

    Args:
        bundle: what to show.
        output_dir: the folder to write; an older page there is replaced as a whole.

    Raises:
        InputError: LiteRT.js can't be had, or the folder holds something else; nothing
            is written then.
    """
    cache = cache_folder()
    try:
        with writing(cache):
            runtime = runtime_files(cache)
    except ValueError as error:
        raise InputError(str(error)) from error
    try:
        with writing(output_dir):
            write_demo_page(bundle_contents(bundle), runtime, pathlib.Path(output_dir))
    except ValueError as error:
        raise InputError(f"--output_dir={error}") from error
