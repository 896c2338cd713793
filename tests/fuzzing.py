"""Builds and runs libFuzzer's targets of tests/c with ASan and UBSan.

usage: python -m tests.fuzzing TARGET SECONDS
runs one of TARGETS on its corpus, tests/c/corpus/TARGET. Inputs that reach something
new stay in a temporary folder; what fails is left in the current one.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from ei_bert_tf.text.builtin import builtin_model_folder
from ei_bert_tf.text.wordpiece import WordPiece
from firmware_export.package import write_firmware
from tests.tiny_contents import tiny_contents

_C = pathlib.Path(__file__).parent / "c"
TARGETS = ("tokenizer", "blob")
# The targets allocate next to nothing, so each allocation is limited. The resident size
# is not: Linux counts the peak of the process that started this one into it.
_LIMITS = ("-max_len=4096", "-timeout=10", "-malloc_limit_mb=64", "-rss_limit_mb=0")
_DONE = r"#(\d+)\s+DONE\s+cov: (\d+) ft: \d+ corp: (\d+)"
_FLAGS = ("-std=c11", "-g", "-O1", "-fsanitize=fuzzer,address,undefined")


def fuzz(target: str, seconds: int, folder: pathlib.Path) -> dict[str, int]:
    """Runs a target for so long.

    Returns:
        `executions`, `coverage` (edges) and `corpus` (inputs) at the end.

    Raises:
        subprocess.CalledProcessError: it does not build, or it found something.
    """
    contents = tiny_contents()
    if target == "tokenizer":
        vocabulary = builtin_model_folder("minilm-l6") / "vocab.txt"
        contents = tiny_contents(pieces=WordPiece.load(vocabulary).pieces, golden=())
    firmware = folder / "firmware"
    write_firmware(contents, firmware)
    program = folder / target
    sources = [_C / f"fuzz_{target}.c", *sorted((firmware / "src").glob("*.c"))]
    include = [f"-I{firmware / 'include'}", f"-I{firmware / 'src'}"]
    command = ["clang", *_FLAGS, "-fno-sanitize-recover=all", *include]
    subprocess.run([*command, *map(str, sources), "-o", str(program)], check=True)
    found = folder / "found"
    found.mkdir()
    done = subprocess.run(
        [
            program,
            *_LIMITS,
            f"-max_total_time={seconds}",
            found,
            _C / "corpus" / target,
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode != 0:
        print(done.stderr[-4000:], file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, target)
    last = re.findall(_DONE, done.stderr)[-1]
    names = ("executions", "coverage", "corpus")
    return dict(zip(names, map(int, last), strict=True))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(fuzz(sys.argv[1], int(sys.argv[2]), pathlib.Path(temporary)))
