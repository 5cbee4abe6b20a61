"""Explore, This one does not exist and Style in a real browser, as a user goes through them."""

from __future__ import annotations

import io
import re
import shlex

import numpy as np
import pytest
from PIL import Image

from ganwerk.control.resolve import SpecResolver
from ganwerk.control.spec import read, written
from ganwerk.control.steered import Steered
from ganwerk.web.run_table import id_of
from tests.browser import PHONE
from tests.web.test_frame import AXE

pytestmark = pytest.mark.browser

SPECS = [
    "seed=5",
    "place=photo-1",
    "seed=5&class=a%20b:0.25&class=%C3%BC:1",
    "seed=5&truncation=0.7&mix=9:coarse&mix=photo:fine&move=1:2.5&move=3:-1",
    "seed=1&class=a%26b%3Dc:1",
]


@pytest.fixture
def explore(opened, run_id):
    """The panel, all its pictures drawn."""

    def make(query="", **options):
        page = opened(f"#/run/{run_id}/explore{query}", **options)
        page.locator(".stage img").wait_for()
        return page

    return make


def shown(page):
    """The address of the large picture, which is another for another picture."""
    return page.locator(".stage img").get_attribute("src")


def changed(page, before):
    for _ in range(600):
        if shown(page) != before:
            return
        page.wait_for_timeout(100)
    raise AssertionError("the picture stays the same")


def test_a_spec_means_the_same_here_and_there(opened):
    page = opened("#/help")
    there = page.evaluate(
        """async (texts) => {
          const { read, written } = await import("/static/panels/explore/spec.js");
          return texts.map((text) => written(read(text)));
        }""",
        SPECS,
    )
    for ours, theirs in zip(SPECS, there, strict=True):
        assert read(theirs) == read(ours)
        assert read(written(read(theirs))) == read(theirs)


def test_only_the_latest_is_asked_for(opened):
    page = opened("#/help")
    done = page.evaluate(
        """async () => {
          const { Latest } = await import("/static/panels/explore/artist.js");
          const done = [];
          let release;
          const latest = new Latest(async (value) => {
            done.push(value);
            await new Promise((resolve) => (release = resolve));
          });
          const first = latest.ask(1);
          latest.ask(2);
          latest.ask(3);
          release();
          await new Promise((resolve) => setTimeout(resolve));
          release();
          await first;
          return done;
        }"""
    )
    assert done == [1, 3]


def test_sliders_links_and_commands(explore, expect):
    page = explore()
    expect(page.locator(".sheet .thumb img")).to_have_count(24)
    code = page.locator(".command code")
    expect(code).to_have_text("ganwerk sample runs/digits --seeds 0")
    before = shown(page)
    page.get_by_role("slider", name="Direction 1").press("ArrowRight")
    changed(page, before)
    expect(code).to_have_text("ganwerk draw runs/digits 'seed=0&move=1:0.1'")
    before = shown(page)
    page.get_by_role("slider", name="Variety").press("Home")
    changed(page, before)
    expect(code).to_contain_text("truncation=0")
    page.get_by_label("Only").select_option("7")
    expect(code).to_contain_text("class=7:1")
    page.get_by_text("Shares of several").click()
    page.get_by_role("slider", name="3", exact=True).press("End")
    expect(code).to_contain_text("class=3:1")
    spec = shlex.split(code.inner_text())[3]
    page.reload()
    expect(code).to_contain_text(spec)  # the address has it all


def test_what_is_saved_is_what_the_command_draws(explore, expect, home, tmp_path):
    from ganwerk.control.resolve import draw

    page = explore("?spec=seed%3D3%26move%3D2%3A1.5")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Save").click()
    run, spec = home / "runs" / "digits", "seed=3&move=2:1.5"
    expected = draw(run, [spec], out=tmp_path / "x.png").paths[0].read_bytes()
    assert coming.value.path().read_bytes() == expected
    assert coming.value.suggested_filename.endswith(".png")


def test_pins_walks_and_numbers(explore, expect):
    page = explore()
    page.get_by_role("button", name="Pin", exact=True).click()
    page.locator(".thumb[title='Picture 7']").press("p")
    expect(page.locator(".pinned img")).to_have_count(2)
    page.get_by_role("button", name="Walk between them").click()
    expect(page.get_by_text("17 of 17 drawn")).to_be_visible()
    expect(page.locator(".walk img")).to_have_attribute("src", re.compile("^blob:"))
    page.get_by_role("button", name="End the walk").click()
    page.get_by_role("button", name="Unpin Picture 7").click()
    expect(page.locator(".pinned img")).to_have_count(1)
    page.get_by_role("button", name="Later").click()
    expect(page.locator(".thumb[title='Picture 24']")).to_be_visible()


@pytest.fixture(scope="module")
def styled(trained, home):
    """The id of a run whose generator has styles, and which keeps a place."""
    path = trained(home / "runs" / "styled", preset="stylegan", budget__images=32)
    SpecResolver(Steered.open(path), path).keep(read("seed=4&truncation=0.5"), "mine")
    return id_of(path)


def take(page, number):
    """Begin to drag a small picture."""
    thumb = page.locator(f".thumb[title='Picture {number}']")
    thumb.scroll_into_view_if_needed()
    box = thumb.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] - 40, steps=5)
    page.locator(".target").wait_for()


def drop_on(page, target, expect):
    """Once the page has heard that it is above."""
    box = target.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 20, steps=5)
    expect(target).to_have_class(re.compile(r"\bover\b"))
    page.mouse.up()


def test_styles_are_mixed_by_dragging(opened, styled, expect):
    """Onto the large picture, or, where that was scrolled away, onto what appears meanwhile."""
    page = opened(f"#/run/{styled}/explore", viewport={"width": 1280, "height": 600})
    expect(page.locator(".sheet .thumb img")).to_have_count(24)
    page.get_by_label("middle").check()
    code, target = page.locator(".command code"), page.locator(".target")
    take(page, 23)
    expect(target).to_contain_text("its middle layers go into picture 0")
    drop_on(page, target, expect)
    expect(target).to_have_count(0)
    expect(code).to_have_text("ganwerk draw runs/styled 'seed=0&mix=23:middle'")
    page.set_viewport_size({"width": 1280, "height": 1400})
    page.evaluate("scrollTo(0, 0)")
    page.get_by_label("fine").check()
    take(page, 5)
    drop_on(page, page.locator(".stage"), expect)
    expect(code).to_have_text("ganwerk draw runs/styled 'seed=0&mix=23:middle&mix=5:fine'")
    page.get_by_label("Or by number").fill("7")
    page.get_by_role("button", name="Mix in").press("Enter")
    expect(code).to_contain_text("&mix=7:fine'")
    page.get_by_label("Or a place that the run keeps").select_option("mine")
    expect(code).to_contain_text("'place=mine&mix=23:middle")


def test_the_nearest_training_picture_stands_beside(explore, expect):
    page = explore()
    page.get_by_label("Nearest training pictures").check()
    expect(page.locator(".beside img")).to_be_visible()
    expect(page.locator(".beside")).to_contain_text(re.compile("real pictures"))
    expect(page.locator(".pairs img")).to_have_count(16)


def test_this_one_does_not_exist(opened, run_id, expect):
    page = opened(f"#/run/{run_id}/any?seed=12")
    expect(page.get_by_role("img", name="Picture 12", exact=True)).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="number 12", exact=True)).to_have_count(0)
    number = int(page.get_by_role("link", name="number").inner_text().split()[1])
    expect(page).to_have_url(re.compile(rf"seed={number}\b"))
    page.get_by_role("link", name="number").click()
    expect(page.get_by_text(f"Picture {number}", exact=True)).to_be_visible()


@pytest.fixture
def pictures(tmp_path):
    found = []
    for number, name in enumerate(("photo.png", "painting.jpg")):
        pixels = np.random.default_rng(number).integers(0, 256, (128, 160, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, name.rpartition(".")[2].replace("jpg", "jpeg"))
        path = tmp_path / name
        path.write_bytes(file.getvalue())
        found.append(path)
    return found


def test_a_photo_is_painted(opened, pictures, expect):
    page = opened("#/style")
    expect(page.get_by_role("button", name="Paint it")).to_be_disabled()
    for label, path in zip(("Photo", "Painting"), pictures, strict=True):
        page.set_input_files(f"input[aria-label={label}]", path)
    page.get_by_label("Long side").select_option("128")
    page.get_by_role("button", name="Paint it").click()
    expect(page.locator(".command code")).to_contain_text("ganwerk style runs/styles/")
    expect(page.get_by_role("link", name="Save the result")).to_be_visible()
    expect(page.get_by_role("img", name="The result", exact=True)).to_be_visible()


def test_a_painting_is_stopped_and_goes_on(opened, pictures, expect):
    page = opened("#/style")
    for label, path in zip(("Photo", "Painting"), pictures, strict=True):
        page.set_input_files(f"input[aria-label={label}]", path)
    page.get_by_label("Long side").select_option("512")  # long enough to be stopped in the middle
    page.get_by_role("button", name="Paint it").click()
    expect(page.get_by_text(re.compile(r"Step \d+ of"))).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(page.get_by_role("link", name="Save the result")).to_have_count(0)
    expect(page.get_by_role("img", name="The result so far")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text(re.compile(r"Step \d+ of"))).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barriers(opened, explore, run_id, axe, scheme, expect):
    page = explore("?pins=seed%3D1%7Cseed%3D2", color_scheme=scheme)
    expect(page.locator(".sheet .thumb img")).to_have_count(26)
    for link in (None, f"#/run/{run_id}/any?seed=1", "#/style"):
        if link is not None:
            page = opened(link, color_scheme=scheme)
            expect(page.get_by_role("heading", level=1)).to_be_attached()
        page.evaluate(axe)
        assert [found["id"] for found in page.evaluate(AXE)] == []


def test_a_phone(opened, explore, run_id, expect):
    explore(**PHONE)
    for link in (f"#/run/{run_id}/explore", f"#/run/{run_id}/any?seed=1", "#/style"):
        page = opened(link, **PHONE)
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
