"""The page in a real browser."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from ganwerk.control.directions import Directions
from ganwerk.control.places import Places
from ganwerk.control.steered import Steered
from ganwerk.publish.publish import publish
from tests.browser import PATIENCE_MS, PHONE
from tests.publish.conftest import HOSTILE, serving

pytestmark = pytest.mark.browser
GREY = 1  # a level: sums in another order may round to the neighbouring one
TABS = ("steer", "sixteen", "walk", "mix", "made")


def rgba(pictures):
    """(N, H, W, C) to what a canvas holds, (N, H * W * 4)."""
    count, *_, channels = pictures.shape
    colours = np.repeat(pictures, 3, -1) if channels == 1 else pictures
    alpha = np.full((*colours.shape[:3], 1), 255, np.uint8)
    return np.concatenate([colours, alpha], -1).reshape(count, -1).astype(int)


def same(seen, drawn):
    difference = np.abs(np.asarray(seen) - rgba(drawn))
    assert difference.max() <= GREY
    assert np.asarray(seen).std() > 5, "not a blank"


def test_a_hundred_numbers_are_the_pictures_of_python(visit, hosts, plain):
    page = visit(hosts["plain"], "#0")
    page.drawn()
    numbers = [
        *range(90),
        999,
        10**6,
        2**31,
        2**32,
        2**40,
        2**53,
        2**53 + 1,
        2**60,
        2**62,
        2**63 - 1,
    ]
    names = plain.class_names
    labels = plain.labels(numbers)
    seen = [
        page.pixels(f"#{n}", f"Picture {n}, {names[label]},")
        for n, label in zip(numbers, labels, strict=True)
    ]
    same(seen, plain.draw(numbers))
    chosen = page.pixels(f"#7:{names[2].replace(' ', '%20')}:0.7", f"Picture 7, {names[2]}")
    same([chosen], plain.draw([7], [names[2]], truncation=0.7))


def test_styles_classes_truncation_directions(visit, hosts, styled):
    page = visit(hosts["styled"], "#0::0.3")
    page.drawn()
    same([page.pixels(None, "Picture 0,")], styled.draw([0], truncation=0.3))
    same([page.pixels("#5:lemon", "Picture 5, lemon")], styled.draw([5], ["lemon"]))
    odd = page.pixels("#6:a%3Ab%2Fc%20%25:0.5", "Picture 6, a:b/c %")
    same([odd], styled.draw([6], ["a:b/c %"], truncation=0.5))
    steered, directions = Steered(styled), found_in(hosts, page)
    moved = steered.places([9], ["lemon"], 0.9)
    for number, amount in enumerate((2.5, -1)):
        moved = directions.moved(steered, moved, number, amount)
    same([page.pixels("#9:lemon:0.9:2.5,-1", "Picture 9")], steered.draw(moved))
    assert page.page.input_value("#directions .field:nth-child(1) input") == "2.5"


def found_in(hosts, page):
    import torch

    told = page.page.evaluate("fetch('model/space.json').then((answer) => answer.json())")
    moved = told["directions"]
    vectors, spreads = torch.tensor(moved["vectors"]), torch.tensor(moved["spreads"])
    return Directions(vectors, spreads, spreads, tuple(moved["layers"]), "factorise")


@pytest.mark.parametrize("kind", ["styled", "plain"])
def test_a_walk_is_the_walk_of_python(kind, visit, hosts, styled, plain, expect):
    steered = Steered({"styled": styled, "plain": plain}[kind])
    page = visit(hosts[kind], "#1")
    page.drawn()
    page.page.click("#tab-walk")
    page.page.fill("#to", "2")
    page.page.press("#to", "Tab")
    expect(page.page.locator("#strip button")).to_have_count(7)
    page.page.click("#strip button:nth-child(3)")
    seen = page.pixels(None, "33 % of the way from 1 to 2")
    ends = steered.places([1, 2])
    walked = steered.walk(ends, 4, loop=False)[1]
    same([seen], steered.draw(walked))
    page.page.click("#play")
    expect(page.page.locator("#to")).not_to_have_value("2", timeout=PATIENCE_MS)  # it went on
    page.page.click("#play")
    expect(page.page.locator("#play")).to_have_text("Play")


def test_mixing_takes_layers_of_the_second(visit, hosts, styled, expect):
    page = visit(hosts["styled"], "#3:lemon")
    page.drawn()
    page.page.click("#tab-mix")
    page.page.fill("#mix-taking", "4")
    page.page.press("#mix-taking", "Tab")
    seen = page.pixels(None, "3 with layers of 4")
    steered = Steered(styled)
    of, taking = steered.places([3], ["lemon"]), steered.places([4], ["lemon"])
    coarse = [i for i, side in enumerate(styled.space.resolutions) if side <= 8]
    assert 0 < len(coarse) < styled.space.layers
    styles = of.styles.clone()
    styles[:, coarse] = taking.styles[:, coarse]
    expect(page.page.locator("#mix-layers label").first).to_have_text("Pose and shape")
    same([seen], steered.draw(Places(styles, of.shares)))


def test_everything_by_keyboard(visit, hosts, expect):
    page = visit(hosts["styled"], "#7").page
    visited = []
    expect(page.locator("#another")).to_be_enabled(timeout=PATIENCE_MS)
    page.keyboard.press("Space")
    expect(page.locator("#number")).not_to_have_text("#7")
    for tab in TABS:
        if tab != "steer":
            page.focus("[role=tab][aria-selected=true]")
            page.keyboard.press("ArrowRight")
        expect(page.locator(f"#{tab}")).to_be_visible()
        expect(page.locator(f"#tab-{tab}")).to_be_focused() if tab != "steer" else None
        wanted = page.locator(f"#{tab} :is(button, input, select)").count()
        reached: set[str] = set()
        page.focus("[role=tab][aria-selected=true]")
        for _ in range(wanted + 2):
            page.keyboard.press("Tab")
            reached.add(
                page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
            )
        inside = page.evaluate(
            f"[...document.querySelectorAll('#{tab} :is(button, input:not([type=radio]), select)')]"
            ".map((e) => [...document.querySelectorAll('*')].indexOf(e))"
        )
        assert set(inside) <= reached, tab
        visited.append(tab)
    assert tuple(visited) == TABS
    page.click("#tab-sixteen")
    page.focus("#grid button:nth-child(5)")
    name = page.get_attribute("#grid button:nth-child(5)", "aria-label")
    page.keyboard.press("Enter")
    expect(page.locator("#picture")).to_have_attribute("aria-label", f"{name}, invented")
    page.focus("#another")
    before = page.inner_text("#number")
    page.keyboard.press("Enter")
    expect(page.locator("#number")).not_to_have_text(before)
    expect(page.locator("#told")).to_contain_text("Picture ")


def test_a_link_opens_the_same_picture_and_back_goes_back(visit, hosts, expect):
    first = visit(hosts["styled"])
    first.drawn()
    first.page.select_option("#class", "0")
    first.page.fill("#variety", "0.55")
    expect(first.page.locator("#picture")).to_have_attribute("aria-label", lemon())
    first.page.wait_for_timeout(300)
    link = first.page.get_attribute("#number", "href")
    assert link.endswith(":lemon:0.55")
    seen = first.pixels(None, "Picture")
    second = visit(hosts["styled"], link)
    second.drawn()
    assert second.pixels(None, "Picture") == seen
    second.page.click("#another")
    expect(second.page.locator("#number")).not_to_have_attribute("href", link)
    second.page.go_back()
    expect(second.page.locator("#number")).to_have_attribute("href", link)
    second.page.goto(f"{hosts['styled']}#7:unknown")
    expect(second.page.locator("#told")).to_contain_text("names no picture")


def lemon():
    import re

    return re.compile("Picture .*, lemon, invented")


def test_a_phone_in_the_dark(visit, hosts, expect, axe):
    """No sideways scrolling in any view, a swipe draws another, and axe finds nothing serious."""
    made = visit(hosts["styled"], "#7", color_scheme="dark", **PHONE)
    made.drawn()
    page = made.page
    for tab in TABS:
        page.click(f"#tab-{tab}")
        expect(page.locator(f"#{tab}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert serious(page, axe) == []
    page.click("#tab-steer")
    box = page.locator("#picture").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.8, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, middle, steps=4)
    page.mouse.up()
    expect(page.locator("#number")).not_to_have_text("#7")


def test_axe_by_day(visit, hosts, axe):
    made = visit(hosts["plain"], "#7")
    made.drawn()
    assert serious(made.page, axe) == []


def serious(page, axe):
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (entry["id"], [node["html"] for node in entry["nodes"]])
        for entry in found["violations"]
        if entry["impact"] in ("serious", "critical")
    ]


def test_names_of_classes_are_text(visit, hosts, styled, expect):
    page = visit(
        hosts["styled"], "#7:" + "%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D1%22%3E"
    )
    page.drawn()
    expect(page.page.locator("#kind")).to_have_text(f" · {HOSTILE}")
    assert page.page.locator("img").count() == 0
    page.page.click("#tab-made")
    expect(page.page.locator("#made")).to_contain_text("Never trained, <b>not</b> even once.")
    assert page.page.locator("#made td").count() == 3


def test_saves_pngs(visit, hosts, plain, tmp_path):
    from PIL import Image

    made = visit(hosts["plain"], "#7")
    made.drawn()
    for button, side in (("#save", 16), ("#save-large", 64)):
        with made.page.expect_download() as download:
            made.page.click(button)
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.name.startswith("Tiny-7")
        with Image.open(path) as picture:
            assert picture.size == (side, side)
            pixels = np.asarray(picture.convert("L").resize((16, 16), Image.Resampling.NEAREST))
        assert np.abs(pixels.astype(int) - plain.draw([7])[0, ..., 0]).max() <= GREY


def test_once_loaded_it_needs_no_network(visit, hosts):
    made = visit(hosts["plain"], "#7")
    made.drawn()
    made.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    made.page.context.set_offline(True)
    made.page.reload()
    made.drawn()


def test_one_file_opens_by_double_click(visit, exported, runtime, plain, tmp_path):
    target = tmp_path / "all.html"
    publish(exported["plain"], target, single=True, runtime=runtime)
    made = visit(target.as_uri(), "#3")
    made.drawn()
    same([made.pixels(None, "Picture 3")], plain.draw([3]))
    assert [url for url in made.asked if not url.startswith(("file:", "blob:", "data:"))] == []


def test_a_folder_opened_as_a_file_says_what_to_do(visit, sites, expect):
    made = visit((sites["plain"] / "index.html").as_uri())
    expect(made.page.locator("#sentence")).to_contain_text("A web server has to send this page")
    made.complaints.clear()  # the browser tells that it blocks modules


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("model/picture.onnx", lambda b: b[: len(b) // 2], "picture.onnx is damaged"),
        ("model/picture.onnx", lambda b: b"\0" * len(b), "picture.onnx cannot be read"),
        ("model/styles.onnx", None, "styles.onnx is not there"),
        ("runtime/onnxruntime.wasm.bin", lambda b: b[:5000], "runtime.wasm is damaged"),
    ],
)
def test_a_broken_file_gives_a_sentence(file, change, sentence, visit, sites, expect, tmp_path):
    site = shutil.copytree(sites["plain"], tmp_path / "site")
    content = (site / file).read_bytes()
    (site / file).unlink()
    if change is not None:
        (site / file).write_bytes(change(content))
    with serving(site) as host:
        made = visit(host)
        expect(made.page.locator("#sentence")).to_contain_text(sentence, timeout=PATIENCE_MS)
        expect(made.page.locator("#another")).to_be_disabled()
        made.page.context.close()
    made.complaints.clear()  # the browser notes a missing file


def test_a_browser_that_cannot_is_told_so(visit, hosts, expect):
    made = visit(hosts["plain"], script="delete window.WebAssembly")
    expect(made.page.locator("#sentence")).to_contain_text("it lacks WebAssembly")


def test_site_lists_what_the_page_loads(sites):
    listed = json.loads((sites["plain"] / "site.json").read_text())["files"]
    for entry in listed.values():
        assert (sites["plain"] / entry["path"]).stat().st_size == entry["bytes"]
