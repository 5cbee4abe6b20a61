from __future__ import annotations

import gzip
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from picture_files import write_idx

from ganwerk.data import load_pictures
from ganwerk.data.idx import IdxSource, read_idx
from ganwerk.errors import DataError

BUDGET = 1 << 26


@pytest.fixture
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (30, 28, 28), np.uint8)


@pytest.fixture
def labels() -> NDArray[np.uint8]:
    return np.arange(30).astype(np.uint8) % 3


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("ask_for_file", [True, False])
def test_round_trip(
    tmp_path: Path,
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    suffix: str,
    ask_for_file: bool,
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    path = write_idx(folder / f"train-images-idx3-ubyte{suffix}", images)
    write_idx(folder / f"train-labels-idx1-ubyte{suffix}", labels)
    write_idx(folder / f"t10k-images-idx3-ubyte{suffix}", images[:20])
    found = load_pictures(path if ask_for_file else folder, memory_budget_bytes=BUDGET)
    assert (found.images[:, 0] == images).all()
    assert found.labels is not None
    assert (found.labels == labels).all()
    assert found.labels.dtype == np.int64
    assert found.class_names == ("0", "1", "2")
    assert found.names[:2] == ("00", "01")
    assert sorted(found.files) == [
        f"train-images-idx3-ubyte{suffix}",
        f"train-labels-idx1-ubyte{suffix}",
    ]


def test_plain_and_packed_files_of_one_set_are_one_set(
    tmp_path: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", images)
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", labels)
    source = IdxSource.in_folder(tmp_path)
    assert source is not None
    assert source.labels == tmp_path / "train-labels-idx1-ubyte.gz"
    assert len(source.load().images) == 30


def test_labels_with_gaps_are_renumbered(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    path = write_idx(tmp_path / "a-images.idx3-ubyte", images)
    write_idx(tmp_path / "a-labels.idx1-ubyte", np.array([7, 40, 900] * 10, np.int32))
    found = load_pictures(path, memory_budget_bytes=BUDGET)
    assert found.class_names == ("7", "40", "900")
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 2] * 10


@pytest.mark.parametrize("channels_last", [True, False])
def test_four_axes(tmp_path: Path, channels_last: bool) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), np.uint8)
    stored = colour.transpose(0, 2, 3, 1) if channels_last else colour
    path = write_idx(tmp_path / "x-images-idx4-ubyte", stored)
    found = load_pictures(path, memory_budget_bytes=BUDGET)
    assert (found.images == colour).all()
    assert found.labels is None


def test_a_file_is_known_by_its_first_bytes(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    found = load_pictures(write_idx(tmp_path / "data.bin", images), memory_budget_bytes=BUDGET)
    assert found.health.kind == "idx"


def test_other_numbers_are_read_in_their_byte_order(tmp_path: Path) -> None:
    values = np.array([1, -2, 30_000], np.int16)
    assert read_idx(write_idx(tmp_path / "v", values)).tolist() == [1, -2, 30_000]


def refuse(path: Path, message: str, hint: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_pictures(path, memory_budget_bytes=BUDGET)
    assert hint in caught.value.hint


def test_bad_files(tmp_path: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    write_idx(path, images, magic=b"\1\2\3\4")
    refuse(path, "is no IDX file: it starts with 01 02 03 04", "00 00 08 03")
    write_idx(path, images)
    path.write_bytes(path.read_bytes()[:-5])
    refuse(path, "is shorter than its header says: 23,531 bytes, not 23,536", "again")
    write_idx(path, images)
    path.write_bytes(path.read_bytes() + b"more")
    refuse(path, "is longer than its header says", "again")
    path.write_bytes(b"\0\0\x08\x03\0\0")
    refuse(path, "is shorter than its header says", "again")
    path.write_bytes(b"")
    refuse(path, "is no IDX file: it starts with nothing", "IDX")
    write_idx(path, images.astype(np.float32))
    refuse(path, "holds float32 values", "bytes")
    write_idx(path, images[0])
    refuse(path, r"array of shape \(28, 28\)", "height, width")
    write_idx(path, images[:0])
    refuse(path, "has 0 pictures", "Add more")
    write_idx(path, images)
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels[:7])
    refuse(path, "has 7 labels, but train-images-idx3-ubyte 30 pictures", "belong together")
    write_idx(tmp_path / "train-labels-idx1-ubyte", images)
    refuse(path, "does not hold labels", "Replace")
    refuse(tmp_path / "train-labels-idx1-ubyte", "holds labels, not pictures", "images")


def test_bad_gzip(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    path = write_idx(tmp_path / "train-images-idx3-ubyte.gz", images)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    refuse(path, "is damaged or not complete", "again")
    path.write_bytes(whole[:5000] + b"\0\1\2\3\4\5\6\7" + whole[5008:])
    refuse(path, "is damaged or not complete", "again")


def test_what_lies_beside_a_set_is_told(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    (tmp_path / "p").mkdir()
    write_idx(tmp_path / "p" / "train-images-idx3-ubyte", images)
    write_idx(tmp_path / "p" / "train-images-idx3-ubyte.gz", images)
    write_idx(tmp_path / "p" / "train-labels-idx1-ubyte.gz", images[:, 0, 0])
    assert load_pictures(tmp_path / "p", memory_budget_bytes=BUDGET).health.remarks == ()
    write_idx(tmp_path / "p" / "t10k-images-idx3-ubyte", images)
    (tmp_path / "p" / "photo.png").write_bytes(b"x")
    told = load_pictures(tmp_path / "p", memory_budget_bytes=BUDGET).health.remarks
    assert [line.text for line in told] == [
        "The folder is read as the IDX set train-images-idx3-ubyte. "
        "Not used: photo.png, t10k-images-idx3-ubyte."
    ]


def test_sizes_that_lie(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    head = b"\0\0\x08\x03"
    path.write_bytes(
        gzip.compress(head + struct.pack(">3I", 60_000, 4_000, 4_000) + bytes(1 << 20))
    )
    refuse(path, r"would unpack from .* to 960,000,000,016 bytes, as no pictures do", "again")
    # Much more than the header says is not unpacked to its end.
    path.write_bytes(gzip.compress(head + struct.pack(">3I", 30, 28, 28) + bytes(1 << 26)))
    tracemalloc.start()
    refuse(path, "is longer than its header says, which is 23,536 bytes", "again")
    assert tracemalloc.get_traced_memory()[1] < 1 << 24  # of 64 MiB
    tracemalloc.stop()
    plain = tmp_path / "a-images-idx3-ubyte"
    plain.write_bytes(head + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1) + bytes(99))
    refuse(plain, "is shorter than its header says: 115 bytes", "again")


@pytest.mark.parametrize("shape", [(20, 0, 0), (20, 28, 0), (20, 0, 28)])
def test_pictures_without_pixels(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    path = write_idx(tmp_path / "train-images-idx3-ubyte", np.zeros(shape, np.uint8))
    refuse(path, f"pictures without pixels: {shape[1]} x {shape[2]} px", "Export it again")


def test_a_pipe_with_the_name_of_a_set(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    write_idx(tmp_path / "b-images-idx3-ubyte", images)
    os.mkfifo(tmp_path / "train-images-idx3-ubyte")
    assert len(load_pictures(tmp_path, memory_budget_bytes=BUDGET)) == 30


def test_several_sets_and_none_for_training(tmp_path: Path, images: NDArray[np.uint8]) -> None:
    write_idx(tmp_path / "a-images-idx3-ubyte", images)
    write_idx(tmp_path / "b-images-idx3-ubyte", images)
    refuse(tmp_path, "several IDX sets: a-images-idx3-ubyte, b-images-idx3-ubyte", "Name the file")
