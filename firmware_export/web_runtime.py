"""LiteRT.js, which runs a .tflite in a browser: two npm packages, fetched once.

The packages are read as archives and never installed. Each is pinned to one version and
to the SHA-512 that npm's own lock files name.
"""

import base64
import dataclasses
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile


@dataclasses.dataclass(frozen=True)
class Package:
    """An npm package.

    Attributes:
        name, version: as npm knows it.
        integrity: the SHA-512 of its archive in base64.
        files: those that a page needs.
    """

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]

    @property
    def pin(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def archive(self) -> str:
        """What `npm pack` calls its archive."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"


# Of the runtime's four variants the one without relaxed SIMD: it runs in every browser,
# and relaxed instructions may give other results on another processor.
PACKAGES = (
    Package(
        "@litertjs/core",
        "2.5.3",
        "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkv"
        "iYGr9OFDL1kCnN4nzWoyJQ==",
        (
            "package.json",
            "dist/index.js",
            "wasm/litert_wasm_compat_internal.js",
            "wasm/litert_wasm_compat_internal.wasm",
        ),
    ),
    Package(
        "@litertjs/wasm-utils",
        "2.5.3",
        "4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2k"
        "T39A9OYBVdFawteZ/sI1kQ==",
        ("package.json", "dist/index.js"),
    ),
)


def runtime_files(cache: pathlib.Path) -> dict[str, bytes]:
    """The files by path inside the page's folder `runtime/`.

    Args:
        cache: where the archives lie; `npm pack` fetches those that are not there.

    Raises:
        ValueError: a package can't be had, or is not the pinned one.
        OSError: the folder can't be written.
    """
    files = {}
    for package in PACKAGES:
        folder = package.name.rsplit("/", 1)[1]
        with tarfile.open(fileobj=io.BytesIO(_archive(package, cache))) as archive:
            for name in package.files:
                member = archive.extractfile(f"package/{name}")
                assert member is not None  # The hash is that of an archive with it.
                files[f"{folder}/{name}"] = member.read()
    return files


def _archive(package: Package, cache: pathlib.Path) -> bytes:
    place = cache / package.archive
    if place.is_file():
        data = place.read_bytes()
        if _integrity(data) == package.integrity:
            return data
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        _fetch(package, cache, temporary)
        fetched = pathlib.Path(temporary) / package.archive
        data = fetched.read_bytes() if fetched.is_file() else b""
        if _integrity(data) != package.integrity:
            raise ValueError(
                f"{package.pin}: npm's archive has the SHA-512 {_integrity(data)}; "
                f"accepted: {package.integrity}"
            )
        os.replace(fetched, place)
    return data


def _fetch(package: Package, cache: pathlib.Path, folder: str) -> None:
    """Runs `npm pack` of exactly this package in a folder."""
    needed = f"needed: npm and its network, or {package.archive} in {cache}"
    npm = shutil.which("npm")
    if npm is None:
        raise ValueError(f"{package.pin}: npm is not installed; {needed}")
    command = [npm, "pack", "--loglevel=error", "--no-update-notifier", package.pin]
    # Where it stands, no settings of another project are near.
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.strip()]
        reason = reasons[0].strip() if reasons else f"status {done.returncode}"
        raise ValueError(f"{package.pin}: npm can't fetch it ({reason}); {needed}")


def _integrity(data: bytes) -> str:
    return base64.b64encode(hashlib.sha512(data).digest()).decode()
