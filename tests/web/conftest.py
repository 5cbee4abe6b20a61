"""One server with one small run, shared by all tests in the browser; an application without a
server for the others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra 'web'")
pytest.importorskip("uvicorn", reason="needs the extra 'web'")

from anyio.from_thread import start_blocking_portal

from ganwerk.web.run_table import id_of
from ganwerk.web.site import Site
from tests.browser import Visit, visiting
from tests.runs import Trained
from tests.web.client import Client, site_of
from tests.web.serving import Served


@pytest.fixture(scope="session")
def loop() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """`loop(coroutine)` runs it in the event loop of a thread: Playwright has one in this."""

    async def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return await coroutine

    with start_blocking_portal() as portal:
        yield lambda coroutine: portal.call(run, coroutine)


@pytest.fixture(scope="session")
def home(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a user stands in: runs/digits is a finished run. Tests that write take names of
    their own."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        # A row for every step: on a quick machine the whole run takes less than between two rows
        patch.setattr("ganwerk.training.play.TELL_SECONDS", 0.0)
        trained(folder / "runs" / "digits", budget__images=320, run__picture_seconds=0.01)
    return folder


@pytest.fixture(scope="session")
def served(home: Path) -> Iterator[Served]:
    """The command at work in `home`."""
    made = Served(home)
    yield made
    assert made.stop() == 0
    assert made.said_last == ""


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    yield from visiting(browser)


@pytest.fixture
def opened(visit: Callable[..., Visit], served: Served) -> Callable[..., Any]:
    """`opened("#/runs")` is the page at that address, let in. meant: see Visit."""

    def make(link: str = "", meant: list[str] | None = None, **options: Any) -> Any:
        made = visit(served.origin, served.entry, **options)
        made.meant += meant or []
        page = made.page
        if link:
            page.goto(served.origin + link)
        return page

    return make


@pytest.fixture
def run_id(home: Path) -> str:
    """The id of runs/digits in `home`."""
    return id_of(home / "runs" / "digits")


@pytest.fixture
def site(digits_run: Path, tmp_path: Path) -> Site:
    return site_of(digits_run, tmp_path)


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    """A browser of `site` that is let in, and asks as the page itself does."""
    made = Client(site)
    yield made
    made.close()


@pytest.fixture
def stranger(site: Site) -> Iterator[Client]:
    """A browser that is not let in yet."""
    made = Client(site, headers={}, known=False)
    yield made
    made.close()
