"""A host, and sites of tiny generators; the runtime is what `make vendor` fetched."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ganwerk.publish.publish import publish
from ganwerk.publish.webruntime import RUNTIME
from tests.browser import PATIENCE_MS, Visit, archive_of, visiting
from tests.publish.exports import export_of
from tests.publish.samplers import sampler

HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The npm package with the runtime."""
    return archive_of(RUNTIME)


class Handler(SimpleHTTPRequestHandler):
    """A static host that sends the headers of the file _headers with everything."""

    def log_message(self, *_: object) -> None:
        pass

    def end_headers(self) -> None:
        for line in (Path(self.directory) / "_headers").read_text().splitlines()[1:]:
            name, _, value = line.strip().partition(": ")
            self.send_header(name, value)
        super().end_headers()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session", autouse=True)
def translations_read_once() -> Iterator[None]:
    """torch reads the source of its five hundred translations anew for each graph, which takes
    nearly as long as the graphs of these networks do."""
    from torch.onnx._internal.exporter._registration import ONNXRegistry as registry

    with pytest.MonkeyPatch.context() as patch:
        read_once = functools.cache(registry.from_torchlib)
        patch.setattr(registry, "from_torchlib", staticmethod(read_once))
        yield


@pytest.fixture(scope="session")
def styled():
    """A generator with styles, three classes and colours."""
    made = sampler("stylegan", 3, 3)
    made.class_names = ("lemon", HOSTILE, "a:b/c %")
    return made


@pytest.fixture(scope="session")
def plain():
    """One of latents, with classes, grey."""
    return sampler("auto", 4, 1)


@pytest.fixture(scope="session")
def exported(styled, plain, tmp_path_factory) -> dict[str, Path]:
    """Exports of both, in float32; the one with styles has directions."""
    pytest.importorskip("onnx", reason="needs the extra 'export'")
    folder = tmp_path_factory.mktemp("exports")
    return {
        "styled": export_of(styled, folder / "styled", moved=True),
        "plain": export_of(plain, folder / "plain", moved=True),
    }


@pytest.fixture(scope="session")
def sites(exported, runtime, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sites")
    for name, export in exported.items():
        publish(export, folder / name, runtime=runtime)
    return {name: folder / name for name in exported}


@pytest.fixture(scope="session")
def hosts(sites) -> Iterator[dict[str, str]]:
    """Addresses of both sites."""
    with serving(sites["styled"]) as styled, serving(sites["plain"]) as plain:
        yield {"styled": styled, "plain": plain}


class Drawing(Visit):
    """A visit of a published page."""

    def drawn(self) -> None:
        """Wait for the first picture."""
        from playwright.sync_api import expect

        expect(self.page.locator("#another")).to_be_enabled(timeout=PATIENCE_MS)
        expect(self.page.locator("body")).not_to_contain_class("waiting", timeout=PATIENCE_MS)

    def pixels(self, link: str, name: str) -> list[int]:
        """RGBA of the picture of a link, whose name begins with `name`; a last number is whole:
        "with layers of 4" is not 41, which the page may have chosen by itself before."""
        found: list[int] = self.page.evaluate(PIXELS, [link, name])
        return found


PIXELS = """
async ([link, name]) => {
  const canvas = document.getElementById("picture");
  if (link !== null) location.hash = link;
  const known = (label) => label.startsWith(name) && !/\\d/.test(label.charAt(name.length));
  while (!known(canvas.getAttribute("aria-label"))) {
    await new Promise((resume) => setTimeout(resume, 5));
  }
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  return [...copy.getImageData(0, 0, canvas.width, canvas.height).data];
}
"""


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Drawing]]:
    yield from visiting(browser, Drawing)
