"""A browser, a host, and sites of tiny generators.

The browser is the system's Chromium; the runtime and axe-core are what `make vendor` fetched. Where
they are missing these tests are skipped, unless GANWERK_BROWSER=required, as in CI.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ganwerk.publish.publish import publish
from ganwerk.publish.webruntime import RUNTIME
from tests.publish.exports import export_of
from tests.publish.samplers import sampler
from tests.publish.vendor import AXE, FOLDER

REQUIRED = os.environ.get("GANWERK_BROWSER") == "required"
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic")  # fmt: skip
PATIENCE_MS = 120_000
"""Until a test gives up; machines that run tests are noisy."""
HOSTILE = '<img src=x onerror="document.title=1">'


def missing(what: str) -> None:
    if REQUIRED:
        pytest.fail(f"{what} is missing, and GANWERK_BROWSER=required")
    pytest.skip(f"{what} is missing")


def archive_of(pin: Any) -> Path:
    found = FOLDER / pin.archive
    if not found.is_file():
        missing(f"{found} (run: make vendor)")
    return found


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The npm package with the runtime."""
    return archive_of(RUNTIME)


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    from ganwerk.publish.webruntime import unpacked

    return unpacked(archive_of(AXE), AXE)["axe.js"].decode()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        missing("Chromium (Debian: the packages in .ci/packages)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright (pip install 'ganwerk[dev]')")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=[*QUIET])
        yield started
        started.close()


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


class Visit:
    """A page and all that was asked for and complained of on it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def drawn(self) -> None:
        """Wait for the first picture."""
        from playwright.sync_api import expect

        expect(self.page.locator("#another")).to_be_enabled(timeout=PATIENCE_MS)
        expect(self.page.locator("body")).not_to_contain_class("waiting", timeout=PATIENCE_MS)

    def pixels(self, link: str, name: str) -> list[int]:
        """RGBA of the picture of a link, whose name begins with `name`."""
        found: list[int] = self.page.evaluate(PIXELS, [link, name])
        return found


PIXELS = """
async ([link, name]) => {
  const canvas = document.getElementById("picture");
  if (link !== null) location.hash = link;
  while (!canvas.getAttribute("aria-label").startsWith(name)) {
    await new Promise((resume) => setTimeout(resume, 5));
  }
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  return [...copy.getImageData(0, 0, canvas.width, canvas.height).data];
}
"""


@pytest.fixture
def visit(browser) -> Iterator[Callable[..., Visit]]:
    """Opens a page in a profile of its own. At the end: nothing left the origin, and no complaint
    was made, unless the test took them."""
    visits: list[tuple[Visit, str, Any]] = []

    def make(address: str, link: str = "", script: str | None = None, **options: Any) -> Visit:
        context = browser.new_context(**options)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if script:
            page.add_init_script(script)
        made = Visit(page)
        visits.append((made, address, context))
        page.goto(address + link)
        return made

    yield make
    for made, address, context in visits:
        context.close()
        origin = address if address.startswith("http") else "file://"
        strangers = [u for u in made.asked if not u.startswith((origin, "blob:", "data:"))]
        assert strangers == []
        assert made.complaints == []
