"""docs/flags.md is what the programs and the recipe say today."""

import subprocess
import sys

from tests.programs import ROOT


def test_the_page_is_current():
    # In a process of its own: the programs' flags share names.
    command = [sys.executable, "-m", "docs.site.flags_page"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    page = (ROOT / "docs" / "flags.md").read_bytes()
    assert done.stdout == page, "python -m docs.site.flags_page --write"
