"""The demo page: a static folder in which a browser classifies what one types.

Page, tokenizer and classifier are written by hand in `page/` and shipped as they are.
"""

import json
import pathlib
from collections.abc import Mapping

from firmware_export.contents import Contents
from firmware_export.folder import write_folder
from firmware_export.phone_graph import logits_graph
from firmware_export.unicode_listing import LISTING

_PAGE = pathlib.Path(__file__).with_name("page")
_WRITTEN = (
    *("LICENSE", "index.html", "style.css"),
    *("page.js", "classifier.js", "wordpiece.js", "text_normalizer.js"),
)
_MARK = "page.js"


def demo_page_files(
    contents: Contents, runtime: Mapping[str, bytes]
) -> dict[str, str | bytes]:
    """All files by path inside the page's folder.

    Args:
        contents: what a bundle holds.
        runtime: what runtime_files() says.
    """
    task = {
        "pair": contents.pair,
        "max_tokens": contents.max_tokens,
        "temperature": contents.temperature,
        "unknown_threshold": contents.unknown_threshold,
        "unknown_label": contents.unknown_label,
    }
    return {
        **{name: (_PAGE / name).read_text("utf-8") for name in _WRITTEN},
        "model.tflite": logits_graph(contents.model),
        "vocab.txt": "".join(f"{piece}\n" for piece in contents.pieces),
        "labels.txt": "".join(f"{label}\n" for label in contents.labels),
        "task.json": json.dumps(task, indent=1, ensure_ascii=False) + "\n",
        LISTING.name: LISTING.read_text("utf-8"),
        **{f"runtime/{name}": data for name, data in runtime.items()},
    }


def write_demo_page(
    contents: Contents, runtime: Mapping[str, bytes], folder: pathlib.Path
) -> None:
    """Writes the folder in place of an older one.

    Raises:
        ValueError: the folder holds something else than an older demo page.
    """
    write_folder(demo_page_files(contents, runtime), folder, _MARK, "demo page")
