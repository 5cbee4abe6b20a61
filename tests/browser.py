"""A real browser for tests: the system's Chromium, and axe-core as `make vendor` fetched it.

Where they are missing these tests are skipped, unless GANWERK_BROWSER=required, as in CI. Modules
that open pages carry the mark `browser`: `make test` runs them by themselves, after the others, so
that they share a server and a browser and nothing else moves the clocks they wait for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.publish.vendor import AXE, FOLDER

REQUIRED = os.environ.get("GANWERK_BROWSER") == "required"
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic")  # fmt: skip
PATIENCE_MS = 120_000
"""Until a test gives up; machines that run tests are noisy."""
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


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


@pytest.fixture(scope="session")
def expect() -> Any:
    """Playwright's assertions, patient ones."""
    from playwright.sync_api import expect as expected

    expected.set_options(timeout=PATIENCE_MS)
    return expected


def drop(page: Any, selector: str, path: Path) -> None:
    """A file or folder of the disk, dragged from outside of the browser and dropped there."""
    box = page.locator(selector).bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    tools = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        tools.send("Input.dispatchDragEvent", {"type": kind, "data": data, **at})
    tools.detach()


class Visit:
    """A page and all that was asked for and complained of on it. meant: words of complaints that a
    test brings about."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.meant: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


def visiting(browser: Any, kind: type[Visit] = Visit) -> Iterator[Callable[..., Any]]:
    """For a fixture to `yield from`: opens pages, each in a profile of its own. At the end: nothing
    left the origin, and no complaint was made, unless the test took them."""
    visits: list[tuple[Visit, str, Any]] = []

    def make(address: str, link: str = "", script: str | None = None, **options: Any) -> Visit:
        context = browser.new_context(**options)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if script:
            page.add_init_script(script)
        made = kind(page)
        visits.append((made, address, context))
        page.goto(address + link)
        return made

    yield make
    for made, address, context in visits:
        context.close()
        origin = address if address.startswith("http") else "file://"
        strangers = [u for u in made.asked if not u.startswith((origin, "blob:", "data:"))]
        assert strangers == []
        complaints = [c for c in made.complaints if not any(word in c for word in made.meant)]
        assert complaints == []
