"""Writes a page that classifies what one types, in the browser alone.

The folder holds the page, the bundle's model and tokenizer, and LiteRT.js, which runs
the model. Any static web server serves it: `python -m http.server -d OUTPUT_DIR`. The
page shows label, probability and latency, and asks no other host for anything.

LiteRT.js comes from npm: `npm pack` fetches two pinned packages of 12 MB into the cache
folder, once. The same bundle gives the same bytes. An older page in --output_dir is
replaced as a whole, a folder of anything else is refused.
"""

from absl import flags

from . import _program

_BUNDLE = flags.DEFINE_string("bundle", None, "The folder that compress wrote.")
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder that the page is written to."
)


def main(_: list[str]) -> None:
    """Writes the page and says how to open it."""
    # Imported here because TensorFlow takes seconds, which --help need not.
    import ei_bert_tf
    from ei_bert_tf.demo_page import export_demo_page

    export_demo_page(ei_bert_tf.Bundle.load(_BUNDLE.value), _OUTPUT_DIR.value)
    folder = _OUTPUT_DIR.value
    print(f"{folder}: the page; python -m http.server -d {folder} serves it")


def run() -> None:
    """The console script ei-bert-demo-page."""
    _program.run(main, required=("bundle", "output_dir"))


if __name__ == "__main__":
    run()
