"""VGG's weights from a local server: resumed, checked, converted, explained."""

from __future__ import annotations

import hashlib
import http.server
import io
import threading
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganwerk.errors import DataError, MachineError
from ganwerk.style.backbones import VGG19
from ganwerk.style.calibration import random_weights
from ganwerk.stylisation.weights import from_file, published, url_of

SLIM = replace(VGG19, widths=(2, 3, 4, 5, 6))
NUMBERS = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]


@pytest.fixture(scope="module")
def weights():
    return dict(random_weights(SLIM))


@pytest.fixture(scope="module")
def content(weights):
    """A file as torchvision publishes it."""
    named = {
        f"features.{number}.{part}": weights[f"{name}.{part}"]
        for name, number in zip(SLIM.shapes(), NUMBERS, strict=True)
        for part in ("weight", "bias")
    }
    file = io.BytesIO()
    torch.save(named | {"classifier.0.weight": torch.zeros(3, 3)}, file)
    return file.getvalue()


@pytest.fixture
def server(content):
    """(its address, requests seen); serves any path, and parts of it."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            seen.append(wanted)
            first = int(wanted.split("=")[1].rstrip("-")) if wanted else 0
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(content) - first))
            self.end_headers()
            self.wfile.write(content[first:])

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", seen
    running.shutdown()
    running.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANWERK_CACHE", str(tmp_path))
    return tmp_path / "weights"


def named(content):
    return f"vgg19-{hashlib.sha256(content).hexdigest()[:8]}.pth"


def test_fetched_once_and_converted(server, content, weights, cache):
    address, seen = server
    told = []
    for _ in range(2):
        found = published(SLIM, told.append, f"{address}/{named(content)}")
        assert set(found) == set(weights)
        assert all(torch.equal(found[name], tensor) for name, tensor in weights.items())
    assert seen == [None]
    assert told[-1].done == told[-1].total == len(content)
    assert [path.name for path in cache.iterdir()] == ["vgg19.safetensors"]


def test_an_interrupted_download_goes_on(server, content, weights, cache):
    address, seen = server
    cache.mkdir(parents=True)
    (cache / f"{named(content)}.part").write_bytes(content[:1000])
    found = published(SLIM, lambda _: None, f"{address}/{named(content)}")
    assert seen == ["bytes=1000-"]
    assert torch.equal(found["5_4.weight"], weights["5_4.weight"])


def test_a_wrong_digest_is_refused(server, cache):
    address, _ = server
    with pytest.raises(DataError, match="not 00000000"):
        published(SLIM, lambda _: None, f"{address}/vgg19-00000000.pth")
    assert list(cache.iterdir()) == []


def test_no_network_names_file_hash_and_way_out(cache):
    with pytest.raises(MachineError, match=r"vgg19-dcbb9e9d\.pth \(SHA-256 dcbb9e9d") as error:
        published(SLIM, lambda _: None, "http://127.0.0.1:9/vgg19-dcbb9e9d.pth")
    assert "--backbone compact" in error.value.hint
    assert "--weights" in error.value.hint


def test_the_published_address_holds_a_digest():
    assert url_of(VGG19).endswith("vgg19-dcbb9e9d.pth")


def test_files_of_one_s_own(tmp_path, content, weights):
    save_file(weights, tmp_path / "mine.safetensors")
    assert torch.equal(from_file(tmp_path / "mine.safetensors", SLIM)["1_1.bias"],
                       weights["1_1.bias"])  # fmt: skip
    (tmp_path / named(content)).write_bytes(content)
    assert set(from_file(tmp_path / named(content), SLIM)) == set(weights)
    assert load_file(tmp_path / "mine.safetensors").keys() == weights.keys()


def pickled(thing):
    file = io.BytesIO()
    torch.save(thing, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("junk", "words"),
    [
        (b"nonsense", "can be read safely"),
        (b"", "can be read safely"),
        (pickled([1, 2]), "holds a list"),
        (pickled({"features.0.weight": 3, "features.x.weight": torch.zeros(1)}), "is missing"),
        (pickled(io.StringIO), "can be read safely"),
    ],
)
def test_junk_with_the_right_digest(tmp_path, junk, words):
    path = tmp_path / named(junk)
    path.write_bytes(junk)
    with pytest.raises(DataError, match=words):
        from_file(path, SLIM)


def test_files_that_are_no_weights(tmp_path, content, weights):
    (tmp_path / "vgg19-00000000.pth").write_bytes(content)
    with pytest.raises(DataError, match="not what its name says"):
        from_file(tmp_path / "vgg19-00000000.pth", SLIM)
    (tmp_path / "mine.pth").write_bytes(content)
    with pytest.raises(DataError, match="cannot be checked"):
        from_file(tmp_path / "mine.pth", SLIM)
    (tmp_path / "bad.safetensors").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="no safetensors file"):
        from_file(tmp_path / "bad.safetensors", SLIM)
    save_file(weights, tmp_path / "slim.safetensors")
    with pytest.raises(DataError, match=r"does not hold vgg19: 1_1\.weight is of shape"):
        from_file(tmp_path / "slim.safetensors", VGG19)
    save_file(weights | {"2_1.bias": torch.zeros(7)}, tmp_path / "bias.safetensors")
    with pytest.raises(DataError, match=r"2_1\.bias is of shape \(7,\)"):
        from_file(tmp_path / "bias.safetensors", SLIM)
    save_file(weights | {"2_1.bias": weights["2_1.bias"] / 0}, tmp_path / "nan.safetensors")
    with pytest.raises(DataError, match=r"2_1\.bias is not finite"):
        from_file(tmp_path / "nan.safetensors", SLIM)
    with pytest.raises(DataError, match="no file"):
        from_file(tmp_path / "absent.safetensors", SLIM)
