"""The laboratory of the page: its routes, its games, and the panel in a real browser."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import pytest

from ganwerk.lab.live import KINDS
from ganwerk.lab.method import parse
from ganwerk.web.app import STATIC
from ganwerk.web.framing import read
from tests.browser import PHONE
from tests.web.test_frame import AXE

pytestmark = pytest.mark.browser

STORIES = json.loads((STATIC / "panels" / "lab" / "stories.json").read_text("utf-8"))
REMEDIES = json.loads((STATIC / "panels" / "lab" / "remedies.json").read_text("utf-8"))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story["name"])
def test_every_story_can_be_played_and_every_switch_turned(story):
    kind = KINDS[story["experiment"]]
    made = kind.presets(None)
    setting = made[story["preset"] or next(iter(made))].setting
    switches = [r["method"] for r in REMEDIES if story["experiment"] not in r.get("not", [])]
    for text in [*story["methods"], *switches]:
        chosen = parse(text)
        kind.game(chosen.applied(setting), chosen, 0)


def test_every_game_has_a_story():
    assert {story["experiment"] for story in STORIES} == set(KINDS)


def messages(raw: bytes):
    stream = io.BytesIO(raw)
    return list(iter(lambda: read(stream), None))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"experiment": "rings"}, "There is no game"),
        ({"experiment": "../ring"}, "no such game"),
        ({"experiment": 7}, "experiment cannot be 7"),
        ({"experiment": "ring", "methods": "plain"}, "At most 4"),
        ({"experiment": "ring", "methods": ["plain"] * 5}, "At most 4"),
        ({"experiment": "ring", "methods": ["r1:weight=x"]}, "r1:weight=x"),
        ({"experiment": "ring", "seed": -1}, "seed cannot be -1"),
        ({"experiment": "ring", "preset": "worst"}, "worst"),
    ],
)
def test_what_cannot_be_played_is_a_sentence(client, options, why):
    response = client.post("/api/lab/play", json=options)
    if response.status_code == 200:
        told = messages(response.content)[-1][0]
    else:
        assert response.status_code == 400
        told = response.json()
    assert why in told["error"]
    assert told["hint"]


def test_a_stranger_plays_nothing(stranger):
    assert stranger.post("/api/lab/play", json={"experiment": "ring"}).status_code in (401, 403)


def shown_step(page):
    return int(page.locator(".labcontrols output").inner_text().split(" of ")[0].replace(",", ""))


def until(page, condition, tries=600):
    for _ in range(tries):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come to be")


def test_the_swarm_moves_and_remedies_are_switches(opened, expect):
    page = opened("#/lab")
    until(page, lambda: shown_step(page) > 2)
    lanes = page.locator("figure.lane")
    expect(lanes).to_have_count(2)
    expect(lanes.nth(0)).to_contain_text("of 8 modes")
    painted = "(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, 200, 200).data).size"
    assert lanes.nth(0).locator("canvas").evaluate(painted) > 20
    expect(page.get_by_role("checkbox", name="Unrolling")).to_be_checked()
    page.get_by_role("checkbox", name="Packing").check()
    expect(page.locator(".command code")).to_contain_text("unrolled:steps=5+packing:size=2")
    expect(lanes.nth(1)).to_contain_text("packing")
    assert "packing" in page.url
    page.reload()
    expect(page.get_by_role("checkbox", name="Packing")).to_be_checked()
    for name in ("Unrolling", "Packing"):
        page.get_by_role("checkbox", name=name).uncheck()
    expect(lanes).to_have_count(1)


def test_scrub_and_a_result(opened, expect):
    page = opened("#/lab?story=circling")
    expect(page.get_by_role("table")).to_contain_text("radius")
    expect(page.get_by_role("button", name="Play again")).to_be_visible()
    assert shown_step(page) == 500
    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    page.keyboard.press("Home")
    until(page, lambda: shown_step(page) == 0)
    page.get_by_role("button", name="Play again").press("Enter")
    until(page, lambda: shown_step(page) > 0)


def test_a_pause(opened, expect):
    """Of a game that takes longer than to press a button."""
    page = opened("#/lab?story=collapse")
    until(page, lambda: shown_step(page) > 0)
    page.get_by_role("button", name="Pause").press("Enter")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()


def test_the_command_is_the_same_game(opened, expect):
    page = opened("#/lab?story=sharp&seed=2")
    code = page.locator(".command code")
    expect(code).to_contain_text("ganwerk lab ring --preset best")
    words = shlex.split(code.inner_text())
    assert words[words.index("--seeds") + 1] == "3"


def test_a_clash_is_a_sentence(opened, expect):
    page = opened("#/lab?story=collapse&methods=plain+unrolled:steps=5%2Bunrolled:steps=3")
    expect(page.get_by_role("alert")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barriers(opened, axe, scheme, expect):
    page = opened("#/lab?story=game", color_scheme=scheme)
    until(page, lambda: shown_step(page) > 0)
    page.evaluate(axe)
    assert [found["id"] for found in page.evaluate(AXE)] == []


def test_a_phone(opened, expect):
    page = opened("#/lab", **PHONE)
    expect(page.locator("figure.lane").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_wire_is_read_however_it_is_cut(opened):
    page = opened("#/help")
    found = page.evaluate(
        """async () => {
          const { Messages } = await import("/static/core/framing.js");
          const bytes = [];
          for (const [head, body] of [['{"a":1}', [1, 2, 3]], ['{"b":"ü"}', []]]) {
            const text = new TextEncoder().encode(head);
            const lengths = new Uint8Array(8);
            new DataView(lengths.buffer).setUint32(0, text.length, true);
            new DataView(lengths.buffer).setUint32(4, body.length, true);
            bytes.push(...lengths, ...text, ...body);
          }
          const results = [];
          for (const cut of [1, 5, 13, bytes.length]) {
            const waiting = new Messages();
            const got = [];
            for (let at = 0; at < bytes.length; at += cut) {
              const piece = Uint8Array.from(bytes.slice(at, at + cut));
              for (const { head, body } of waiting.feed(piece)) {
                got.push([head, [...new Uint8Array(body)]]);
              }
            }
            results.push(JSON.stringify(got));
          }
          return [...new Set(results)];
        }"""
    )
    assert found == ['[[{"a":1},[1,2,3]],[{"b":"ü"},[]]]']


def test_the_books_are_small():
    for name in ("stories.json", "remedies.json"):
        assert Path(STATIC / "panels" / "lab" / name).stat().st_size < 1 << 14
