"""Leads links from a page to a file of the repository to where that is published.

A page names such a file by its path from the page (../benchmarks/plan.json), which
works in a clone and where the repository is browsed; the site holds the pages alone.
The repository's address stands in docs/repository.txt and nowhere else.
"""

import logging
import pathlib
import posixpath
import re

# A warning of MkDocs' own loggers fails a strict build.
_LOG = logging.getLogger("mkdocs.hooks.repository_links")
_LINK = re.compile(r"\]\((\.\./[^)#]*)(#[^)]*)?\)")


def on_config(config):
    """The settings with a link to the repository at the foot of each page."""
    foot = {"icon": "fontawesome/brands/git-alt", "name": "The repository"}
    config.extra["social"] = [foot | {"link": _address(config)}]
    return config


def on_page_markdown(markdown, *, page, config, files):
    """The page's text with such links replaced."""
    root = pathlib.Path(config.docs_dir).parent

    def published(match: re.Match) -> str:
        folder = posixpath.dirname(page.file.src_uri)
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        if not target.startswith("../"):
            return match[0]
        path = root / target.removeprefix("../")
        if not path.exists():
            _LOG.warning("%s: no file %s", page.file.src_uri, match[1])
        kind = "tree" if path.is_dir() else "blob"
        address = f"{_address(config)}/{kind}/main"
        return f"]({address}/{target.removeprefix('../')}{match[2] or ''})"

    return _LINK.sub(published, markdown)


def _address(config) -> str:
    file = pathlib.Path(config.docs_dir) / "repository.txt"
    return file.read_text("utf-8").strip()
