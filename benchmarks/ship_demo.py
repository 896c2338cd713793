"""Copies the demo's bundle into examples/, without what predicting does not need.

usage: python -m benchmarks.ship_demo, after `make demo`
The manifest is the demo's, but for the list of files, which names those that ship. The
firmware is left out: tools.export_firmware writes it again from these files.
"""

import json
import pathlib

from absl import app

from ei_bert_tf.bundle import MODEL_FILES, Bundle, file_list

_ROOT = pathlib.Path(__file__).parents[1]
_DEMO = _ROOT / "build" / "demo"
SHIPPED = _ROOT / "examples" / "bundle_bbc_news"


def main(_: list[str]) -> None:
    """Copies the files and says how large they are."""
    demo = Bundle.load(_DEMO)
    SHIPPED.mkdir(exist_ok=True)
    for name in MODEL_FILES:
        (SHIPPED / name).write_bytes((_DEMO / name).read_bytes())
    files = file_list(SHIPPED)
    manifest = json.dumps(demo.manifest | {"files": files}, indent=1) + "\n"
    (SHIPPED / "manifest.json").write_text(manifest, "utf-8")
    size = sum(path.stat().st_size for path in SHIPPED.iterdir())
    print(f"{SHIPPED.relative_to(_ROOT)}: {size:,} bytes")


if __name__ == "__main__":
    app.run(main)
