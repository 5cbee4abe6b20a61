"""What a training looks like: in a pipe, on a terminal, for a program."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ganwerk.cli import render
from ganwerk.cli.live import LiveScreen
from ganwerk.cli.watch import JsonScreen, PlainScreen
from ganwerk.runtime.events import (
    Ended,
    Event,
    Found,
    Pictured,
    Plan,
    Planned,
    Preparing,
    Saved,
    Stepped,
    Warned,
)
from ganwerk.values import Progress, duration

MEASURED = {
    "d_loss": 0.7012,
    "g_loss": 0.6899,
    "value": -0.7012,
    "real_logit": 0.1,
    "fake_logit": -0.08,
    "d_accuracy": 0.52,
    "penalty_r1": 0.3,
}


class Clock:
    """Ten steps of a second each."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def stepped(images: int, seconds: float) -> Stepped:
    left = 90.0 - seconds
    return Stepped(images // 64, images, 90_000, seconds, left, 1000.0, MEASURED)


def story(plan: Plan, run: Path = Path("runs/digits")) -> list[tuple[float, Event]]:
    """A training of 90 seconds with a step every second, a grid every fifteen."""
    told: list[tuple[float, Event]] = [
        (0, Preparing(Progress("reading files", done, 1797, "pictures"))) for done in (1, 900, 1797)
    ]
    told += [(0, Planned(plan)), (0, Saved(0, run / "checkpoints/000000000"))]
    for second in range(1, 91):
        told.append((second, stepped(second * 1000, second)))
        if second % 15 == 0:
            told.append((second, Pictured(second * 1000, run / f"grid-{second * 1000:09d}.png")))
        if second == 33:
            told.append((second, Warned("The disk is [nearly] full.", "Free some space.")))
        if second == 60:
            told.append((second, Saved(60_000, run / "checkpoints/000060000")))
    return [*told, (90, Ended("finished", 90_000, 90.0, run))]


PLAIN = """\
Reading files: 1 of 1,797 pictures
Plan
  pictures   1,797 from digits, of which 180 are held out
  classes    10 (0, 1, 2, 3, 4, 5 and 4 more), taught, so each can be drawn by name
  draws      16 x 16 px, grey
  networks   resnet (preset auto): generator 663 thousand weights, discriminator 1.2 million
  game       relativistic + r1 (weight 0.08), 64 pictures per update
  length     about 1 min 30 s: 90,000 images at 1,000/s
  machine    some cpu, float32
  takes      about 103.6 MB of memory, 151.8 MB of disk
  run        runs/digits
  note       10 classes, balanced.

What is normal:
  D loss near 0.69, G loss near 0.69, V near -0.69: evenly matched.
  real and fake, D's mean logits for both, stay close; only their difference counts.
  Losses do not say how good the pictures are: look at them.

  1%  1,000 of 90,000 images  1,000/s  1 min 29 s left  NUMBERS
 12%  11,000 of 90,000 images  1,000/s  1 min 19 s left  NUMBERS
First pictures: runs/digits/grid-000015000.png; newer ones beside it
 23%  21,000 of 90,000 images  1,000/s  1 min 09 s left  NUMBERS
 34%  31,000 of 90,000 images  1,000/s  59 s left  NUMBERS
warning: The disk is [nearly] full.
hint: Free some space.
 46%  41,000 of 90,000 images  1,000/s  49 s left  NUMBERS
 57%  51,000 of 90,000 images  1,000/s  39 s left  NUMBERS
Saved at 60,000 images
 68%  61,000 of 90,000 images  1,000/s  29 s left  NUMBERS
 79%  71,000 of 90,000 images  1,000/s  19 s left  NUMBERS
 90%  81,000 of 90,000 images  1,000/s  9 s left  NUMBERS
100%  90,000 of 90,000 images  1,000/s  0 s left  NUMBERS

Finished: 90,000 images in 1 min 30 s, 1,000/s.
Newest pictures: runs/digits/grid-000090000.png

Next:
  ganwerk report runs/digits                      what happened, on one page
  ganwerk sample runs/digits --seeds 0-63 --grid  draw pictures
  ganwerk resume runs/digits --minutes 10         train longer
""".replace("NUMBERS", "D 0.70  G 0.69  V -0.70  real +0.10  fake -0.08  D right 52%")


def tell(screen: Any, clock: Clock, plan: Plan) -> None:
    for clock.now, event in story(plan):
        screen(event)
    screen.close()


def test_a_training_in_a_pipe(a_plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    tell(PlainScreen(clock=clock), clock, a_plan)
    assert capsys.readouterr().out.replace("\\", "/") == PLAIN


def test_a_training_for_a_program(a_plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    screen = JsonScreen(clock=clock)
    tell(screen, clock, a_plan)
    screen.done(Path("runs/digits"))
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = [row.get("event") for row in rows]
    assert kinds.count("stepped") == 90
    assert kinds.count("preparing") == 2  # the first and the complete one
    assert set(kinds) - {None} == {
        *("preparing", "planned", "stepped", "pictured", "saved", "warned", "ended")
    }
    assert rows[kinds.index("stepped")]["measured"] == MEASURED
    assert rows[-1] == {"ok": True, "run": str(Path("runs/digits")), "reason": "finished"}


def on_screen(width: int, plan: Plan, **rest: Any) -> str:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=True, width=width, markup=False, highlight=False, **rest
    )
    tell(LiveScreen(console), Clock(), plan)
    return file.getvalue()


@pytest.mark.parametrize("width", [60, 90, 160])
def test_a_training_on_a_terminal(a_plan: Plan, width: int) -> None:
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_screen(width, a_plan))
    for once in ("Plan", "What is normal:", "[nearly]", "Finished: 90,000", "Next:"):
        assert text.count(once) == 1, once
    assert "ganwerk resume runs/digits --minutes 10" in text
    assert "10 classes, balanced." in text
    assert "D 0.70  G 0.69" in text


def test_the_cursor_comes_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    file = io.StringIO()
    screen = LiveScreen(Console(file=file, force_terminal=True, width=90))
    screen(stepped(1000, 1.0))
    screen.close()
    screen.close()
    assert file.getvalue().count("\x1b[?25l") == file.getvalue().count("\x1b[?25h") == 1


def test_no_color_on_a_terminal(a_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*(3|9)[0-7]m", on_screen(90, a_plan))


def test_what_ganwerk_itself_says_is_ascii(a_plan: Plan) -> None:
    words = [text for _, text in render.plan_rows(a_plan)]
    words += render.ending(Ended("stopped", 1, 1.0, Path("r")), newest=None, last_words=True)
    assert " ".join(words).isascii()
    assert PLAIN.isascii()


def test_every_loss_has_a_legend() -> None:
    from ganwerk.game.losses import LOSSES

    for name, loss in LOSSES.items():
        text = "\n".join(render.legend(name))
        assert text.isascii()
        assert "look at them" in text
        if name == "wasserstein":
            assert "fall towards 0" in text
        else:
            assert f"V near {loss.value_at_equilibrium:.2f}" in text
    assert len(render.legend("something new")) == 3


def test_a_stopped_training_says_how_to_go_on() -> None:
    run = Path("runs/my pictures")
    lines = render.ending(Ended("stopped", 640, 0.0, run), newest=None, last_words=True)
    assert lines[0] == "Stopped and saved: 640 images in 0 s."
    assert any(re.match(r"  ganwerk resume ['\"]runs.my pictures['\"] +go on", x) for x in lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.6, "1 min 00 s"),
        (95, "1 min 35 s"),
        (1200, "20 min"),
        (3599, "60 min"),
        (3900, "1 h 05 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_amounts() -> None:
    assert render.amount(Progress("t", 1_200_000, 30_000_000, "bytes")) == "1.2 MB of 30.0 MB"
    assert render.amount(Progress("t", 5, None, "files")) == "5 files"
    assert render.amount(Progress("t", 5, 10)) == "5 of 10"
    assert render.speed(3.21) == "3.2/s"
    assert render.parameters(950) == "950"


def test_a_finding_that_becomes_weightier_is_seen_without_colours_too():
    words = {weight: render.finding(Found("GW202", "One picture", weight, "seen", 9))[0]
             for weight in ("watch", "act")}  # fmt: skip
    assert words["watch"].startswith("GW202 One picture (watch): seen.")
    assert words["act"].startswith("GW202 One picture (act): seen.")
    assert render.finding(Found("GW202", "One picture", "act", "seen", 9, True))[1] == "green"
