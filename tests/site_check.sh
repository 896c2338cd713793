#!/usr/bin/env bash
# Builds the site of docs/ with warnings as errors.
# usage: site_check.sh PYTHON FOLDER   (for its environment, which is kept)
set -euo pipefail
theme=mkdocs-material==9.8.2
generator=mkdocs==1.6.1

python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)

# The stamp comes last: a folder that an interrupted call has left is made anew.
if [ "$(cat "$folder/installed" 2>/dev/null)" != "$theme $generator" ]; then
    "$python" -m venv --clear "$folder/venv"
    "$folder/venv/bin/python" -m pip install -q --disable-pip-version-check \
        "$theme" "$generator"
    echo "$theme $generator" > "$folder/installed"
fi
# The theme warns of a version of its generator that is not the pinned one.
# With --quiet a warning would not be counted.
NO_MKDOCS_2_WARNING=1 "$folder/venv/bin/python" -m mkdocs build --strict \
    --config-file "$root/docs/site/mkdocs.yml" 2>"$folder/log" ||
    { cat "$folder/log" >&2; exit 1; }
"$folder/venv/bin/python" - "$root/build/site" <<'PYTHON'
import html.parser
import pathlib
import sys


class Loaded(html.parser.HTMLParser):
    """What a browser loads by itself: all addresses but those of links to click."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag not in ("a", "meta"):
            self.found += [
                value
                for name, value in attributes
                if name in ("src", "href") and (value or "").startswith(("http", "//"))
            ]


pages = sorted(pathlib.Path(sys.argv[1]).rglob("*.html"))
for page in pages:
    parser = Loaded()
    parser.feed(page.read_text("utf-8"))
    if parser.found:
        sys.exit(f"site: {page} loads {', '.join(parser.found)}")
print(f"site: {len(pages)} pages, nothing is loaded from elsewhere")
PYTHON
