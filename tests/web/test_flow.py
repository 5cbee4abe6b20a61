"""What a user does, in a real browser with a real training: from an empty folder to a finished run.

One training serves all of it, in the order of the file: it is one test."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from ganwerk.publish.webruntime import RUNTIME, web_runtime
from ganwerk.run import Journal
from ganwerk.values import ignore_progress
from ganwerk.web.launches import holder
from tests.browser import archive_of, drop
from tests.web.serving import Served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flow")


@pytest.mark.timeout(1200)
def test_what_a_user_does(tab, server, place, folder, expect):
    from_dropped_pictures_to_a_training(tab, place, folder, expect)
    a_training_outlives_the_server_and_every_window_sees_it(tab, server, place, expect)
    one_scrubber_and_the_keys_move_in_time(tab, place, expect)
    stop_saves_and_resume_goes_on(tab, place, expect)
    one_that_is_killed_is_told_as_broken_off(tab, place, expect)
    finish_now_ends_as_finished(tab, place, expect)
    what_is_finished_is_trained_longer(tab, place, expect)
    the_report_is_taken_away(tab, place, expect)
    it_is_explored(tab, place, expect)
    it_is_published(tab, place, expect)
    rename_and_remove(tab, place, expect)
    a_training_that_cannot_begin_says_why(tab, place, expect)


class Server:
    """The page at one port, started again at will."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.served = Served(home)

    def again(self) -> None:
        port = self.served.port
        self.served.kill()
        self.served = Served(self.home, port=port)


@pytest.fixture(scope="module")
def server(place: Path):
    made = Server(place)
    yield made
    made.served.stop()


@pytest.fixture
def tab(browser: Any, server: Server):
    """A tab. No complaint is that the server was away, that it refused what a test asked for, and
    that a run which one tab renames is gone for the others, which are all open until the end."""
    from tests.browser import visiting

    visits = visiting(browser)
    make = next(visits)

    def open_tab(link: str = "", **options: Any) -> Any:
        visit = make(server.served.origin, server.served.entry, **options)
        visit.meant += ["ERR_", "status of 400", "status of 404"]
        if link:
            visit.page.goto(server.served.origin + link)
        return visit.page

    yield open_tab
    with pytest.raises(StopIteration):
        next(visits)


def wait_for(what, seconds: float = 120.0):
    """What it returns as soon as that is true."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > end:
            assert found
            return found
        time.sleep(0.05)


def from_dropped_pictures_to_a_training(tab, place, folder, expect):
    page = tab()
    page.get_by_role("link", name="New run").first.click()
    expect(page.get_by_role("heading", name="Drop pictures here")).to_be_visible()
    drop(page, ".drop", folder)
    expect(page.get_by_role("heading", name="60 pictures, 2 classes")).to_be_visible()
    assert len(list((place / "pictures" / "shapes" / "disk").glob("*.png"))) == 30
    shown = page.get_by_alt_text("One of the pictures")
    expect(shown).to_have_count(24)
    assert shown.first.evaluate("image => image.complete && image.naturalWidth") == 96
    plan = page.get_by_role("region", name="Plan")
    expect(plan.locator(".sentence")).to_have_text(re.compile(r"^\d+ px, classes not used, about "))
    classes_are_called_otherwise(page, plan, expect)
    slider = plan.get_by_label("Time to train")
    slider.focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    expect(plan).to_contain_text("More than advised")
    plan.get_by_label("Name").fill("my shapes")
    plan.get_by_role("button", name="Train").click()
    expect(page).to_have_url(re.compile("/watch$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("my shapes")
    expect(page.get_by_alt_text(re.compile("Drawn pictures after"))).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    command = page.get_by_role("group", name="How it was started")
    expect(command).to_contain_text("ganwerk train pictures/shapes")
    expect(command).to_contain_text("--rename-class='disk=round thing'")
    expect(command).to_contain_text("--out 'runs/my shapes'")


def classes_are_called_otherwise(page, plan, expect):
    disk = page.get_by_label("Name of the class disk")
    disk.fill("square")
    disk.press("Enter")
    expect(page.get_by_text("disk and square become one class, square.")).to_be_visible()
    expect(plan.locator(".sentence")).to_have_text(re.compile(r"^\d+ px, no classes"))
    page.get_by_role("button", name="Names as they were found").click()
    disk.fill("round thing")
    disk.press("Tab")
    plan.get_by_text("Everything else").click()
    plan.get_by_label("Teach the classes").select_option("yes")
    expect(plan.locator(".sentence")).to_have_text(re.compile(r"^\d+ px, 2 classes, about "))
    page.reload()  # the address has the names
    expect(disk).to_have_value("round thing")
    plan.get_by_text("Everything else").click()
    plan.get_by_label("Teach the classes").select_option("yes")
    expect(plan.locator(".sentence")).to_have_text(re.compile(r"^\d+ px, 2 classes, about "))
    expect(plan.locator(".command")).to_contain_text(
        "ganwerk train pictures/shapes --rename-class='disk=round thing' --conditional --out"
    )


def run_of(place: Path) -> Path:
    return place / "runs" / "my shapes"


def watch(tab, place: Path, **options: Any) -> Any:
    from ganwerk.web.run_table import id_of

    return tab(f"#/run/{id_of(run_of(place))}/watch", **options)


def a_training_outlives_the_server_and_every_window_sees_it(tab, server, place, expect):
    first, phone = watch(tab, place), watch(tab, place, viewport={"width": 360, "height": 740})
    for page in (first, phone):
        expect(page.get_by_alt_text(re.compile("Drawn pictures after"))).to_be_visible()
    pid = holder(run_of(place))
    server.again()
    before = Journal(run_of(place) / "journal.jsonl").rows("step")[-1]["images"]

    def images(page: Any) -> int:
        return int(page.locator(".tiles dd").first.inner_text().replace(",", ""))

    for page in (first, phone):
        wait_for(lambda page=page: images(page) > before)
        expect(page.get_by_text("lost its server")).to_have_count(0)
    assert holder(run_of(place)) == pid
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360


def one_scrubber_and_the_keys_move_in_time(tab, place, expect):
    page = watch(tab, place)
    picture = page.get_by_alt_text(re.compile("Drawn pictures after"))
    expect(picture).to_be_visible()
    # Not the files: what counts is how many the page has heard of. The last one it knows is "live".
    expect(page.locator(".scrubber output")).to_have_text(re.compile(r"of ([3-9]|\d{2,})$"))
    page.keyboard.press("Home")
    first = sorted((run_of(place) / "pictures").glob("grid-*.png"))[0]
    expect(picture).to_have_attribute("src", re.compile(f"/grids/{int(first.stem[5:])}$"))
    expect(page).to_have_url(re.compile("at="))
    page.keyboard.press("ArrowRight")
    second = sorted((run_of(place) / "pictures").glob("grid-*.png"))[1]
    expect(picture).to_have_attribute("src", re.compile(f"/grids/{int(second.stem[5:])}$"))
    page.get_by_role("button", name="To the newest").click()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Losses"))).to_be_visible()


def stop_saves_and_resume_goes_on(tab, place, expect):
    page = watch(tab, place)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("stopped")
    saved = Journal(run_of(place) / "journal.jsonl").rows("end")[-1]
    assert saved["reason"] == "stopped"
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    wait_for(lambda: Journal(run_of(place) / "journal.jsonl").rows()[-1]["event"] != "resume")
    assert (
        Journal(run_of(place) / "journal.jsonl").rows("resume")[-1]["from_images"]
        == (saved["images"])
    )


def one_that_is_killed_is_told_as_broken_off(tab, place, expect):
    import os

    page = watch(tab, place)
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    os.kill(holder(run_of(place)), signal.SIGKILL)
    expect(page.get_by_role("heading", level=1)).to_contain_text("interrupted")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")


def finish_now_ends_as_finished(tab, place, expect):
    page = watch(tab, place)
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    page.get_by_role("button", name="Finish now").click()
    page.get_by_role("button", name="Finish", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("finished")
    rates = [row["g_rate"] for row in Journal(run_of(place) / "journal.jsonl").rows("step")]
    assert rates[-1] < max(rates) / 3, "the steps became smaller towards the end"


def what_is_finished_is_trained_longer(tab, place, expect):
    page = watch(tab, place)
    before = Journal(run_of(place) / "journal.jsonl").rows("end")[-1]["images"]
    page.get_by_role("button", name="Train longer").click()
    page.get_by_label("Minutes more").fill("0")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("minutes")  # nothing happens for none
    page.get_by_role("button", name="Train longer").click()
    page.get_by_label("Minutes more").fill("0.1")
    page.get_by_role("button", name="Train", exact=True).click()
    wait_for(lambda: Journal(run_of(place) / "journal.jsonl").rows("resume")[-1:] != [])
    wait_for(lambda: Journal(run_of(place) / "journal.jsonl").rows("end")[-1]["images"] > before)
    expect(page.get_by_role("heading", level=1)).to_contain_text("finished")


def the_report_is_taken_away(tab, place, expect):
    page = watch(tab, place)
    with page.expect_download() as download:
        page.get_by_role("link", name="Report").click()
    assert download.value.suggested_filename == "my shapes.html"
    text = Path(download.value.path()).read_text("utf-8")
    assert "<!doctype html>" in text
    assert "my shapes" in text


def it_is_explored(tab, place, expect):
    """By the names of the classes that it was given."""
    page = watch(tab, place)
    page.get_by_role("link", name="Explore").click()
    expect(page.locator(".sheet .thumb img")).to_have_count(24)
    page.get_by_label("Only").select_option("round thing")
    expect(page.locator(".command code")).to_have_text(
        "ganwerk sample 'runs/my shapes' --seeds 0 --class 'round thing'"
    )
    expect(page.locator(".stage img")).to_be_visible()


def it_is_published(tab, place, expect):
    pytest.importorskip("onnx", reason="needs the extra 'export'")
    web_runtime(archive_of(RUNTIME), ignore_progress)  # into the cache of the tests
    page = watch(tab, place)
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("button", name="Make the page").click()
    save = page.get_by_role("link", name="Save the page")
    expect(save).to_be_visible()
    with page.expect_download() as download:
        save.click()
    assert download.value.suggested_filename == "my shapes.html"
    text = Path(download.value.path()).read_text("utf-8")
    assert "<!doctype html>" in text[:200].lower()
    assert str(place) not in text


def rename_and_remove(tab, place, expect):
    page = tab("#/runs")
    page.get_by_role("button", name="Rename my shapes").click()
    page.get_by_role("dialog").get_by_label("Name").fill("../evil")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("cannot be named")
    page.get_by_role("dialog").get_by_label("Name").fill("renamed")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("link", name="renamed")).to_be_visible()
    assert (place / "runs" / "renamed" / "about.json").is_file()
    page.get_by_role("button", name="Remove renamed").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
    [gone] = (place / "runs" / ".trash").iterdir()
    assert gone.name.startswith("renamed-")
    assert (gone / "about.json").is_file()


def a_training_that_cannot_begin_says_why(tab, place, expect):
    """The pictures were taken away between the plan and the start."""
    import shutil

    page = tab("#/new")
    page.get_by_role("button", name="Use shapes").click()
    train = page.get_by_role("button", name="Train")
    expect(train).to_be_enabled()
    for path in (place / "pictures" / "shapes").iterdir():
        shutil.rmtree(path)
    train.click()
    expect(page.get_by_role("alert")).to_contain_text("picture")
    expect(page.get_by_role("heading", level=1)).to_contain_text("failed")
    page.goto(page.url.split("#")[0] + "#/runs")
    page.get_by_role("button", name="Remove shapes").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="No runs yet")).to_be_visible()
