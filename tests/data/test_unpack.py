"""Each kind of file that must be unpacked says how; what is said works."""

from __future__ import annotations

import ast
import bz2
import gzip
import lzma
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from picture_files import Painter, noise, zipped

from ganwerk.data import load_pictures
from ganwerk.data.unpack import KINDS, packed_suffix, unpack_hint
from ganwerk.errors import DataError

BUDGET = 1 << 26


def refusal(where: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        load_pictures(where, memory_budget_bytes=BUDGET)
    return caught.value


def follow(hint: str) -> Path:
    """Does what the hint says; returns the place that it names next."""
    command, then = hint.splitlines()[-2:]
    command = command.removeprefix("Unpack it first: ")
    command = command.replace("python -c", f"{shlex.quote(sys.executable)} -c", 1)
    subprocess.run(command, shell=True, check=True, capture_output=True)
    return Path(shlex.split(then)[-1])


@pytest.mark.parametrize("suffix", KINDS)
def test_every_kind_is_named_with_a_command(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"my set{suffix}"
    path.write_bytes(b"something that is none of these")
    if suffix == ".zip":
        assert "is damaged" in refusal(path).message
        return
    error = refusal(path)
    assert error.message == f"{path} is {KINDS[suffix][0]}, which ganwerk does not look into."
    if not KINDS[suffix][1]:
        assert "PNG" in error.hint
        return
    words = shlex.split(error.hint.splitlines()[0].removeprefix("Unpack it first: "))
    assert any(str(path) in word for word in words) or suffix == ".001"
    if words[:2] == ["python", "-c"]:
        ast.parse(words[2])
    assert error.hint.splitlines()[1].startswith("Then: ganwerk data check ")


def test_suffixes() -> None:
    assert packed_suffix("A.TAR.GZ") == ".tar.gz"
    assert packed_suffix("d.x/a.b.7z") == ".7z"
    assert packed_suffix("v1.0.tgz") == ".tgz"
    assert packed_suffix("tar") == packed_suffix("a.png") == packed_suffix("a.tar/b") == ""


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("folder_is_there", [False, True])
def test_tar(tmp_path: Path, paint: Painter, mode: str, folder_is_there: bool) -> None:
    paint(tmp_path / "p", 20)
    path = tmp_path / f"my set.tar{mode[1:].replace(':', '.')}"
    with tarfile.open(path, mode) as target:  # type: ignore[call-overload]
        target.add(tmp_path / "p", "p")
    if folder_is_there:
        (tmp_path / "my set").mkdir()
    place = follow(refusal(path).hint)
    assert len(load_pictures(place, memory_budget_bytes=BUDGET)) == 20


def test_numpy(tmp_path: Path) -> None:
    pictures = np.stack([noise(seed) for seed in range(20)])
    np.savez(tmp_path / "a.npz", pictures)
    np.save(tmp_path / "b.npy", pictures[..., :1])
    for name in ("a.npz", "b.npy"):
        place = follow(refusal(tmp_path / name).hint)
        assert len(load_pictures(place, memory_budget_bytes=BUDGET)) == 20


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(b"x", mtime=0), "a gzip file"),
        (bz2.compress(b"x"), "a bzip2 file"),
        (lzma.compress(b"x"), "an xz file"),
        (b"7z\xbc\xaf\x27\x1c...", "a 7z archive"),
        (b"Rar!\x1a\x07\x01\0", "a rar archive"),
        (b"PAR1....", "a Parquet table"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x93NUMPY\x01\0", "a file of a numpy array"),
        (b"\0" * 257 + b"ustar\0", "a tar archive"),
    ],
)
def test_kinds_are_known_by_content_too(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "pictures.dat").write_bytes(content)
    assert f"pictures.dat is {what}" in refusal(tmp_path / "pictures.dat").message


def test_archives_inside(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p", 20)
    outer = tmp_path / "outer"
    outer.mkdir()
    zipped(outer / "in.zip", tmp_path / "p")
    error = refusal(outer)
    assert "no pictures in the folder" in error.message
    assert error.hint == unpack_hint(outer / "in.zip", ".zip")
    nested = zipped(tmp_path / "nested.zip", outer)
    error = refusal(nested)
    assert "It holds in.zip, which is packed itself." in error.hint
    assert f"unzip {nested} -d {tmp_path / 'nested'}" in error.hint
    # Beside pictures they are told of.
    paint(outer, 20)
    (outer / "more.tar").write_bytes(b"x")
    found = load_pictures(outer, memory_budget_bytes=BUDGET)
    assert "Not unpacked, so not used: in.zip, more.tar." in [r.text for r in found.health.remarks]
    assert found.health.ignored == {".zip": 1, ".tar": 1}
