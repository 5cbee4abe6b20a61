"""The frame in a real browser: let in, panels, news, and a server that dies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ganwerk.run.journal import Journal
from tests.browser import PHONE, drop
from tests.web.serving import Served

pytestmark = pytest.mark.browser

AXE = "async () => (await axe.run({resultTypes: ['violations']})).violations"
PANELS = ("#/runs", "#/new", "#/new?source=digits", "#/help", "#/run/{run}/watch",
          "#/compare?a={run}&b={run}")  # fmt: skip


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
    opened.meant.append("ERR_")
    page = opened.page
    expect(page.get_by_role("link", name="mine")).to_be_visible()
    first.kill()
    expect(page.get_by_role("status")).to_contain_text("lost its server")
    run.rename(run.with_name("other"))
    second = Served(tmp_path, port=first.port)
    expect(page.get_by_role("link", name="other")).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)
    assert second.stop() == 0


def settled(page, expect) -> None:
    """Wait until the panel shows what it shows."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    if "watch" in page.url or "compare" in page.url:
        expect(page.locator(".chart canvas").first).to_be_visible()
    if "source" in page.url:
        expect(page.get_by_role("region", name="Plan").locator(".sentence")).to_be_visible()
        page.get_by_text("Everything else").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("link", PANELS)
def test_no_barriers(opened, axe, link, scheme, expect, run_id):
    page = opened(link.format(run=run_id), color_scheme=scheme)
    settled(page, expect)
    page.evaluate(axe)
    assert [found["id"] for found in page.evaluate(AXE)] == []


@pytest.mark.parametrize("link", PANELS)
def test_a_phone_needs_no_sideways_scrolling(opened, link, expect, run_id):
    page = opened(link.format(run=run_id), **PHONE)
    settled(page, expect)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_keyboard_reaches_everything(opened, expect, run_id):
    page = opened(f"#/run/{run_id}/watch")
    settled(page, expect)
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
        if page.evaluate("document.activeElement.matches('.scrubber input')"):
            break
    assert {"Runs", "New run", "Watch", "Train longer …", "Report", "Rename …"} <= reached
    page.keyboard.press("Home")
    expect(page.get_by_text("To the newest")).to_be_visible()
    page.get_by_role("button", name="Rename").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_curve_is_looked_at_closely_and_whole_again(opened, expect, run_id):
    page = opened(f"#/run/{run_id}/watch")
    settled(page, expect)
    whole = page.get_by_role("button", name="Whole run")
    expect(whole).to_be_disabled()
    area = page.locator(".chart .u-over").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(whole).to_be_enabled()
    area.dblclick()
    expect(whole).to_be_disabled()
    area.click(position={"x": 5, "y": 50})
    expect(page.get_by_text("To the newest")).to_be_visible()


def test_a_big_drop_arrives_whole(opened, home, expect, tmp_path):
    """1,100 pictures in sub-folders in one drop, hundreds in each, which a browser hands out in
    parts; one file is no picture, and one has a name like markup."""
    from tests.web.test_uploads import picture

    folder = tmp_path / "many"
    for number in range(1_100):
        target = folder / f"class {number % 3}" / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(picture(number % 250, side=8))
    (folder / "class 0" / "<b>.png").write_bytes(picture(7))
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("passed over")
    page = opened("#/new", meant=["status of 400"])
    expect(page.get_by_role("heading", name="Drop pictures here")).to_be_visible()
    drop(page, ".drop", folder)
    expect(page.get_by_role("heading", name="1,101 pictures, 3 classes")).to_be_visible()
    expect(page.get_by_role("region", name="Upload")).to_contain_text("1 could not be used")
    expect(page.get_by_role("region", name="Upload")).to_contain_text(
        "1 files that are no pictures"
    )
    arrived = [p for p in (home / "pictures" / "many").rglob("*") if p.is_file()]
    assert len(arrived) == 1_101
    assert all((folder / p.relative_to(home / "pictures" / "many")).exists() or "_b_" in p.name
               for p in arrived)  # fmt: skip


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
