"""The part of ONNX Runtime that computes in a browser: fetched once, checked always, kept packed.

It is published as an npm package alone, 33 MB of which a page needs 4. So it is neither in the
wheel nor in a second one: npm fetches it when a page is first published, or the user brings the
package as a file. Only files with the digests of vendor.json are used, wherever they come from.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganwerk.data.cache import cache_home
from ganwerk.errors import MachineError
from ganwerk.run.files import disk_errors, write_bytes
from ganwerk.run.pictures import make_folder
from ganwerk.values import Progress, ProgressCallback

PACKED = (".wasm",)
LARGEST_PART = 64 << 20
FETCH_SECONDS = 900


@dataclass(frozen=True)
class Pin:
    """A package of npm: its integrity as npm has it, and of the files that are used, by our name,
    the path in it and the digest."""

    package: str
    version: str
    integrity: str
    files: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, path: Path) -> Pin:
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return cls(values["package"], values["version"], values["integrity"], values["files"])

    @property
    def archive(self) -> str:
        return f"{self.package}-{self.version}.tgz"


RUNTIME = Pin.read(Path(__file__).with_name("vendor.json"))


def web_runtime(given: Path | None, progress: ProgressCallback) -> dict[str, bytes]:
    """The files of the runtime by our names, .wasm packed with gzip.

    given: the package as `npm pack` writes it. Raises MachineError if it is not what it should be,
    or if there is none and npm cannot fetch it.
    """
    folder = cache_home(None) / f"web-{RUNTIME.package}-{RUNTIME.version}"
    content = None if given is None else checked(given, RUNTIME)
    if (found := _kept(folder)) is not None:
        return found
    if content is not None:
        return _keep(folder, _files(content, RUNTIME))
    with tempfile.TemporaryDirectory(prefix="ganwerk-npm-") as temporary:
        progress(Progress(f"fetching {RUNTIME.package} {RUNTIME.version}", 0, 1, "packages"))
        found = _keep(folder, unpacked(fetched(RUNTIME, Path(temporary)), RUNTIME))
    progress(Progress(f"fetching {RUNTIME.package} {RUNTIME.version}", 1, 1, "packages"))
    return found


def fetched(pin: Pin, folder: Path) -> Path:
    """The package, fetched into `folder` by npm from wherever it is set up to fetch. Raises
    MachineError."""
    npm = shutil.which("npm")
    by_hand = (
        f"On a machine with npm and network: npm pack {pin.package}@{pin.version}\n"
        f"Then here: ganwerk publish ... --runtime {pin.archive}"
    )
    if npm is None:
        raise MachineError(
            f"A page needs {pin.package} {pin.version}, and there is no npm to fetch it.", by_hand
        )
    asked = [npm, "pack", "--silent", f"{pin.package}@{pin.version}"]
    try:
        done = subprocess.run(
            asked, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS
        )
        said = (done.stderr.strip().splitlines() or ["npm said nothing"])[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        done, said = None, str(error)
    if done is None or done.returncode or not (folder / pin.archive).is_file():
        raise MachineError(f"npm could not fetch {pin.package} {pin.version}: {said}", by_hand)
    return folder / pin.archive


def checked(archive: Path, pin: Pin) -> bytes:
    """The content of the package. Raises MachineError if it is not what it should be."""
    with disk_errors(archive, "read"):
        content = archive.read_bytes()
    algorithm, _, expected = pin.integrity.partition("-")
    if hashlib.new(algorithm, content).digest() != base64.b64decode(expected):
        raise MachineError(
            f"{archive} is not {pin.package} {pin.version}: its digest is another one.",
            f"Fetch it again: npm pack {pin.package}@{pin.version}",
        )
    return content


def unpacked(archive: Path, pin: Pin) -> dict[str, bytes]:
    """The files that are used, checked. Nothing is written, and no other file is looked at. Raises
    MachineError."""
    return _files(checked(archive, pin), pin)


def _files(content: bytes, pin: Pin) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for name, file in pin.files.items():
            member = tar.extractfile(f"package/{file['path']}")
            assert member is not None  # the digest of the whole was right
            found[name] = member.read(LARGEST_PART)
            assert _is(found[name], file["sha256"]), f"vendor.json and {pin.package} differ: {name}"
    return found


def _is(content: bytes, digest: str) -> bool:
    return hashlib.sha256(content).hexdigest() == digest


def _keep(folder: Path, files: Mapping[str, bytes]) -> dict[str, bytes]:
    packed = {
        name: gzip.compress(content, 9, mtime=0) if name.endswith(PACKED) else content
        for name, content in files.items()
    }
    make_folder(folder)
    for name, content in packed.items():
        write_bytes(folder / name, content, durable=False)
    return packed


def _kept(folder: Path) -> dict[str, bytes] | None:
    """What an earlier fetch left, if it is still what it was."""
    found = {}
    for name, file in RUNTIME.files.items():
        try:
            found[name] = (folder / name).read_bytes()
            plain = gzip.decompress(found[name]) if name.endswith(PACKED) else found[name]
        except (OSError, EOFError, zlib.error):
            return None
        if not _is(plain, file["sha256"]):
            return None
    return found


def licences() -> dict[str, bytes]:
    """The texts that lie beside the runtime: its licence, and, where onnxruntime is installed, the
    notices of what it is built from."""
    from importlib.util import find_spec

    found = {"LICENSE.txt": Path(__file__).with_name("onnxruntime-licence.txt").read_bytes()}
    spec = find_spec("onnxruntime")
    if spec is not None and spec.origin is not None:
        notices = Path(spec.origin).with_name("ThirdPartyNotices.txt")
        if notices.is_file():
            found["ThirdPartyNotices.txt"] = notices.read_bytes()
    return found
