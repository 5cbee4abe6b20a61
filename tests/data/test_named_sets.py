"""Named sets: found in every usual layout, downloaded from a server on this machine, or refused."""

from __future__ import annotations

import gc
import gzip
import hashlib
import http.server
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from picture_files import Painter, write_idx, zipped

from ganwerk.data import download, load_pictures, named
from ganwerk.errors import DataError
from ganwerk.values import Progress

BUDGET = 1 << 26
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def write_set(folder: Path, seed: int = 0, suffix: str = ".gz") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for part in ("train", "t10k"):
        images = rng.integers(0, 256, (20, 28, 28), np.uint8)
        write_idx(folder / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte{suffix}", (np.arange(20) % 10).astype("u1"))


def test_digits_are_built_in() -> None:
    found = load_pictures("digits", memory_budget_bytes=BUDGET)
    assert found.images.shape == (1797, 1, 16, 16)
    assert found.images.max() == 255
    assert found.class_names == tuple("0123456789")
    assert found.health.mirror_safe is False
    assert found.health.mirror_accuracy is not None
    assert found.health.mirror_accuracy > 0.75
    assert found.health.advised_resolution == 16
    assert load_pictures("digits", memory_budget_bytes=BUDGET).health == found.health
    exact = load_pictures("digits", memory_budget_bytes=BUDGET, resolution=8)
    assert sorted(np.unique(exact.images)) == [round(level * 255 / 16) for level in range(17)]


def test_digits_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    read = named.DigitsSource().load()
    monkeypatch.setattr(named, "_digits_file", lambda: None)
    told = named.DigitsSource().load()
    assert np.array_equal(read.images, told.images)
    assert np.array_equal(read.labels.values, told.labels.values)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("layout", [".", "mnist", "MNIST/raw", "MNIST", "mnist/MNIST/raw"])
def test_mnist_below_a_data_root(tmp_path: Path, layout: str, suffix: str) -> None:
    write_set(tmp_path / "root" / layout, suffix=suffix)
    found = load_pictures(
        "mnist", root=tmp_path / "root", memory_budget_bytes=BUDGET, download=False
    )
    assert found.images.shape == (20, 1, 28, 28)
    assert found.class_names == tuple("0123456789")
    assert (found.health.kind, found.health.where) == ("mnist", "mnist")


def test_mnist_and_fashion_side_by_side(tmp_path: Path) -> None:
    write_set(tmp_path / "mnist", 0)
    write_set(tmp_path / "FashionMNIST" / "raw", 1)
    one, two = (
        load_pictures(name, root=tmp_path, memory_budget_bytes=BUDGET, download=False)
        for name in ("mnist", "fashion-mnist")
    )
    assert (one.images != two.images).any()
    assert two.class_names[0] == "T-shirt"
    # Files of MNIST itself are not taken for the other set.
    with pytest.raises(DataError, match="'fashion-mnist' is neither in"):
        load_pictures(
            "fashion-mnist", root=tmp_path / "mnist", memory_budget_bytes=BUDGET, download=False
        )


def test_cifar_as_a_zip_below_a_data_root(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p" / "cat", 10)
    paint(tmp_path / "p" / "dog", 10, first=10)
    zipped(tmp_path / "cifar10-train.zip", tmp_path / "p")
    found = load_pictures("cifar10", root=tmp_path, memory_budget_bytes=BUDGET, download=False)
    assert found.class_names == ("cat", "dog")


def test_damaged_cifar(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    # A pickle that would do harm: it is compared with the published digest and never opened.
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"cos\nsystem\n(S'exit'\ntR.")
    with pytest.raises(DataError, match="is damaged or not complete") as caught:
        load_pictures("cifar10", root=tmp_path, memory_budget_bytes=BUDGET, download=False)
    assert "Remove this folder" in caught.value.hint


def test_absent_and_no_download(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'mnist' is not in .*cache/datasets, and downl") as caught:
        load_pictures("mnist", memory_budget_bytes=BUDGET, download=False)
    assert "train-images-idx3-ubyte.gz" in caught.value.hint
    assert "allow the download" in caught.value.hint
    with pytest.raises(DataError, match=r"data root .*gone is no folder") as refused:
        load_pictures("mnist", root=tmp_path / "gone", memory_budget_bytes=BUDGET)
    assert "leave the data root out" in refused.value.hint


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def copyfile(self, source: object, outputfile: object) -> None:
        time.sleep(0.02)
        super().copyfile(source, outputfile)  # type: ignore[type-var]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that torchvision's MNIST downloads from."""
    from torchvision.datasets import MNIST

    folder = tmp_path / "served"
    write_set(folder)

    def handle(*arguments: object) -> Handler:
        return Handler(*arguments, directory=str(folder))  # type: ignore[arg-type]

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handle) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{running.server_port}/"
        resources = [
            (path.name, hashlib.md5(path.read_bytes()).hexdigest())
            for path in sorted(folder.iterdir())
        ]
        monkeypatch.setattr(MNIST, "mirrors", [address])
        monkeypatch.setattr(MNIST, "resources", resources)
        monkeypatch.setattr(download, "POLL_SECONDS", 0.01)
        yield folder
        running.shutdown()
        thread.join()
    with warnings.catch_warnings():
        # torchvision leaves the answer to a failed request open.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_download(server: Path, cache_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    heard: list[Progress] = []
    found = load_pictures("mnist", memory_budget_bytes=BUDGET, progress=heard.append)
    loading = [report for report in heard if report.task == "downloading mnist"]
    sizes = sum(path.stat().st_size for path in server.iterdir())
    assert loading[-1].done == sizes
    assert loading[-1].unit == "bytes"
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in (cache_dir / "datasets").iterdir()] == ["mnist-downloaded"]
    expected = gzip.decompress((server / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    assert found.images.tobytes() == expected
    for path in server.iterdir():
        path.unlink()  # a second load needs no server
    again = load_pictures("mnist", memory_budget_bytes=BUDGET, download=False)
    assert again.fingerprint == found.fingerprint


def test_download_of_damaged_and_missing_files(server: Path) -> None:
    served = server / "train-labels-idx1-ubyte.gz"
    served.write_bytes(served.read_bytes() + b"x")
    with pytest.raises(DataError, match=r"'mnist' could not be downloaded: .*corrupted") as caught:
        load_pictures("mnist", memory_budget_bytes=BUDGET)
    assert "Check the network connection. Put train-images" in caught.value.hint
    assert "datasets/mnist and start again" in caught.value.hint
    served.unlink()
    # What is left of it is not taken for the set.
    with pytest.raises(DataError, match="could not be downloaded: HTTP Error 404"):
        load_pictures("mnist", memory_budget_bytes=BUDGET)
    with pytest.raises(DataError, match="downloading is switched off"):
        load_pictures("mnist", memory_budget_bytes=BUDGET, download=False)


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    monkeypatch.setattr(download, "POLL_SECONDS", 0.01)
    with pytest.raises(DataError, match=r"'cifar10' could not be downloaded: .*refused") as caught:
        load_pictures("cifar10", memory_budget_bytes=BUDGET)
    assert "cifar-10-batches-py" in caught.value.hint


def test_a_server_that_stops_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets

    released = threading.Event()
    monkeypatch.setattr(datasets, "MNIST", lambda *_, **__: released.wait(5))
    monkeypatch.setattr(download, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(download, "STALL_SECONDS", 0.05)
    with pytest.raises(DataError, match="has stopped: nothing came") as caught:
        load_pictures("mnist", memory_budget_bytes=BUDGET)
    released.set()
    assert "Try again later" in caught.value.hint


def test_a_defect_is_not_called_a_network_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets

    def broken(*_: object, **__: object) -> None:
        raise KeyError("defect")

    monkeypatch.setattr(datasets, "MNIST", broken)
    monkeypatch.setattr(download, "POLL_SECONDS", 0.01)
    with pytest.raises(KeyError, match="defect"):
        load_pictures("mnist", memory_budget_bytes=BUDGET)


def test_a_path_comes_before_a_name(
    tmp_path: Path, paint: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path / "digits", 16)
    monkeypatch.chdir(tmp_path)
    assert len(load_pictures("digits", memory_budget_bytes=BUDGET)) == 16


def test_known_sets_say_what_they_need() -> None:
    assert set(named.NAMED_SETS) == {"digits", "mnist", "fashion-mnist", "cifar10"}


@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason="the real MNIST is not here")
def test_real_mnist() -> None:
    found = load_pictures(
        SHARED / "mnist" / "t10k-images-idx3-ubyte.gz", memory_budget_bytes=BUDGET
    )
    assert found.images.shape == (10_000, 1, 28, 28)
    assert found.health.class_counts[0] == 980
    assert found.health.advised_resolution == 28
    assert not found.health.mirror_safe
    assert found.health.duplicate_count == 0


@pytest.mark.skipif(not (SHARED / "fruits").is_dir(), reason="the real fruits are not here")
def test_real_fruits() -> None:
    found = load_pictures(SHARED / "fruits" / "test", memory_budget_bytes=BUDGET)
    assert found.images.shape == (662, 3, 64, 64)
    assert found.class_names == ("apple", "lemon", "mango", "raspberry")
    assert found.health.mirror_safe
    assert "light from one side" in found.health.mirror_reason
    assert found.health.near_duplicate_count > 100  # they are frames of a film
