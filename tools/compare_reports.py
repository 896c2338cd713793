"""Shows two runs side by side: the second bundle beside the first.

Takes two folders that compress wrote, or their report.json. Prints a table; --html
leaves the same as a page that needs no other file.
"""

from absl import flags

from . import _program

_HTML = flags.DEFINE_string("html", None, "A page of HTML to write beside the table.")


def main(arguments: list[str]) -> None:
    """Compares the two bundles that are given."""
    from ei_bert_tf.errors import InputError
    from ei_bert_tf.reporting.comparison import Comparison

    if len(arguments) != 2:
        raise InputError(f"{len(arguments)} bundles are given; accepted: two")
    comparison = Comparison(*arguments)
    if _HTML.value:
        comparison.write(_HTML.value)
    print(comparison.text())


def run() -> None:
    """The console script ei-bert-compare-reports."""
    _program.run(main, positional="BUNDLE")


if __name__ == "__main__":
    run()
