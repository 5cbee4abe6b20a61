"""Zip files that lie, repeat themselves, or try to fill the memory."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from picture_files import Painter, zipped
from PIL import Image

from ganwerk.data import load_pictures
from ganwerk.data.archive import FREE_BYTES, ZipSource
from ganwerk.data.decode import UnreadableError, decode

BUDGET = 1 << 26


def add(path: Path, name: str, content: bytes, packing: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "a", packing) as target:
        target.writestr(name, content)


def declare(path: Path, name: str, size: int) -> None:
    """Writes another unpacked size into the directory of the zip file."""
    data = bytearray(path.read_bytes())
    start = data.rindex(b"PK\1\2", 0, data.rindex(name.encode()))
    struct.pack_into("<I", data, start + 24, size)
    path.write_bytes(data)


@pytest.fixture
def archive(tmp_path: Path, paint: Painter) -> Path:
    paint(tmp_path / "p", 20)
    return zipped(tmp_path / "p.zip", tmp_path / "p")


def unreadable(path: Path) -> dict[str, str]:
    report = load_pictures(path, memory_budget_bytes=BUDGET).health
    return {bad.name: bad.reason for bad in report.unreadable}


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """So many bytes of memory at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """An archive of one file that unpacks to much, packed once in each way."""
    folder = tmp_path_factory.mktemp("bombs")

    def packed(packing: int) -> Path:
        path = folder / f"{packing}.zip"
        if not path.exists():
            add(path, "bomb.png", bytes(5 * FREE_BYTES), packing)
        return path

    return packed


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("declared", [100, 1 << 20, FREE_BYTES])
def test_a_size_that_lies_does_not_fill_the_memory(
    bomb: Callable[[int], Path], tmp_path: Path, packing: int, declared: int
) -> None:
    archive = Path(shutil.copy(bomb(packing), tmp_path / "p.zip"))
    declare(archive, "bomb.png", declared)
    source = ZipSource(archive)
    index = source.names.index("bomb.png")
    reason = "is damaged inside the zip file" if packing == zipfile.ZIP_DEFLATED else "unpack it"
    with at_most(5 * FREE_BYTES // 2), pytest.raises(UnreadableError, match=reason):
        source.read(index)


def test_an_honest_bomb_is_not_unpacked(archive: Path) -> None:
    size = 2 * FREE_BYTES
    add(archive, "zeros.bmp", bytes(size))
    assert f"to {size:,} bytes, as no picture does" in unreadable(archive)["zeros.bmp"]


def test_a_large_picture_that_packs_well_is_read(archive: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(np.zeros((1500, 1500, 3), np.uint8)).save(file, "BMP")
    add(archive, "flat.bmp", file.getvalue())
    assert unreadable(archive) == {}


@pytest.mark.parametrize("name", ["0000.png", "./0000.png", "/0000.png", "x/../0000.png"])
def test_the_same_name_twice(archive: Path, paint: Painter, name: str) -> None:
    other = paint(archive.parent / "other", 1, first=77)[0].read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's own, of what this test is about
        add(archive, name, other)
    source = ZipSource(archive)
    assert source.names.count("0000.png") == 1
    assert source.read(0) == other
    line = source.remarks[-1]
    assert line.severity == "warning"
    assert line.text.startswith(
        "1 names stand in the zip file more than once, for example 0000.png"
    )
    assert load_pictures(archive, memory_budget_bytes=BUDGET).health.found == 20


def test_links_and_pipes_in_a_zip(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as target:
        for name, mode in (("link.png", stat.S_IFLNK), ("pipe.png", stat.S_IFIFO)):
            info = zipfile.ZipInfo(name)
            info.external_attr = (mode | 0o644) << 16
            target.writestr(info, "/etc/passwd")
    source = ZipSource(archive)
    assert len(source.names) == 20
    assert "link.png (a link), pipe.png (a named pipe)" in source.remarks[0].text


def test_label_file_that_is_a_bomb(archive: Path) -> None:
    add(archive, "dataset.json", bytes(2 * FREE_BYTES))
    found = load_pictures(archive, memory_budget_bytes=BUDGET)
    assert any("dataset.json cannot be used: would unpack" in r.text for r in found.health.remarks)


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width: int, height: int, lines: int, *extra: bytes) -> bytes:
    """A grey PNG whose data hold so many lines."""
    data = zlib.compress(bytes((width + 1) * lines), 9)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (png(60_000, 60_000, 1), "million pixels"),
        (png(12_000, 12_000, 1), "million pixels"),
        (png(0, 0, 1), ""),
        (png(0, 32, 1), ""),
        (png(32, 32, 32, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 27)))), "is damaged"),
    ],
)
def test_pngs_that_lie(archive: Path, content: bytes, reason: str) -> None:
    add(archive, "lie.png", content)
    found = unreadable(archive)
    assert list(found) == ["lie.png"]
    assert reason in found["lie.png"]


def test_more_data_than_lines_are_not_unpacked(archive: Path) -> None:
    add(archive, "long.png", png(32, 32, 4_000_000))
    source = ZipSource(archive)
    content = source.read(source.names.index("long.png"))
    with at_most(FREE_BYTES):
        assert decode(content, 16, 1, "crop").width == 32
