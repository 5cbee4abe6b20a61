"""The frame in a real browser: let in, panels, news, and a server that dies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ganwerk.run.journal import Journal
from tests.browser import PHONE
from tests.web.serving import Served

pytestmark = pytest.mark.xdist_group("page")

AXE = "async () => (await axe.run({resultTypes: ['violations']})).violations"
PANELS = ("#/runs", "#/help")


def test_the_address_opens_the_runs_and_keeps_no_token(opened, served, expect):
    page = opened()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    expect(page.get_by_role("link", name="digits")).to_be_visible()
    assert page.url == served.origin


def test_without_the_address_the_door_is_closed(visit, served, expect):
    page = visit(served.origin).page
    expect(page.get_by_text("ganwerk serve")).to_be_visible()


def test_a_new_run_and_new_rows_appear_by_themselves(opened, home, expect):
    page = opened("#/runs")
    expect(page.get_by_role("link", name="digits")).to_be_visible()
    name = "<b onclick=alert(1)>bold"  # a name is text, whatever it holds
    copy = shutil.copytree(home / "runs" / "digits", home / "runs" / name)
    card = page.get_by_role("listitem").filter(has_text=name)
    expect(card).to_contain_text("finished")
    with Journal(copy / "journal.jsonl") as journal:
        journal.append({"event": "resume", "from_images": 320})
        journal.append({"event": "step", "step": 30, "images": 4_321})
    expect(card).to_contain_text("4,321 images")
    shutil.rmtree(copy)
    expect(card).to_have_count(0)


def test_the_server_may_die(visit, trained, tmp_path, expect):
    """The page says so, and is exact again when it is back, without being loaded."""
    run = trained(tmp_path / "runs" / "mine", budget__images=320, run__picture_seconds=0.01)
    first = Served(tmp_path)
    opened = visit(first.origin, first.entry)
    page = opened.page
    expect(page.get_by_role("link", name="mine")).to_be_visible()
    first.kill()
    expect(page.get_by_role("status")).to_contain_text("lost its server")
    run.rename(run.with_name("other"))
    second = Served(tmp_path, port=first.port)
    expect(page.get_by_role("link", name="other")).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)
    assert second.stop() == 0
    refused = [text for text in opened.complaints if "ERR_" not in text]
    opened.complaints[:] = refused


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("link", PANELS)
def test_no_barriers(opened, axe, link, scheme, expect):
    page = opened(link, color_scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.evaluate(axe)
    assert [found["id"] for found in page.evaluate(AXE)] == []


@pytest.mark.parametrize("link", PANELS)
def test_a_phone_needs_no_sideways_scrolling(opened, link, expect):
    page = opened(link, **PHONE)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_an_unknown_address_says_so(opened, expect):
    for link in ("#/nothing", "#/run/0000/watch"):
        expect(opened(link).get_by_role("alert")).to_contain_text("There is no such")


def test_bad_options(tmp_path: Path):
    from tests.web.serving import start

    for options, told in (
        (["--host", "0.0.0.0"], "--password"),
        (["nowhere"], "nowhere is no folder"),
        (["--port", "99999"], "99999"),
    ):
        process = start(["serve", "--no-browser", *options], tmp_path)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 2, said
        assert told in said
        assert "Traceback" not in said
