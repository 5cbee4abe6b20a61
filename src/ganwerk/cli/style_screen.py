"""A style transfer as it is watched: a bar on a terminal, lines elsewhere, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

from ganwerk.cli import render
from ganwerk.cli.output import on_terminal, plain, say, say_json
from ganwerk.cli.telling import say_warning
from ganwerk.cli.watch import JSON_SECONDS, PLAIN_SECONDS, Pace
from ganwerk.errors import printable, typed
from ganwerk.run.files import human_bytes
from ganwerk.runtime.events import Preparing, Warned
from ganwerk.stylisation.events import (
    Event,
    Finished,
    Plan,
    Planned,
    Previewed,
    Stepped,
    Stopped,
    Watcher,
)
from ganwerk.values import duration


@contextmanager
def style_screen(as_json: bool) -> Iterator[Watcher]:
    """The screen that suits stdout."""
    if as_json:
        yield JsonScreen()
    elif on_terminal(sys.stdout):
        screen = LiveScreen()
        try:
            yield screen
        finally:
            screen.close()
    else:
        yield PlainScreen()


def plan_rows(plan: Plan) -> list[tuple[str, str]]:
    """The plan as (topic, text)."""
    scales = ", ".join(f"{n} at {px} px" for px, n in zip(plan.scales, plan.steps, strict=True))
    tiles = f", in tiles of {plan.tile_px} px" if plan.tile_px else ""
    preset = "" if plan.preset == "default" else f", preset {plan.preset}"
    return [
        ("photo", f"{plan.content}, in the style of {' and '.join(plan.styles)}"),
        ("result", f"{plan.width} x {plan.height} px"),
        ("backbone", f"{plan.backbone}{preset}, {plan.precision}{tiles}"),
        ("closures", scales),
        ("takes", f"about {human_bytes(plan.memory_bytes)} of memory"),
    ]


def step_text(event: Stepped) -> str:
    """' 40%  closure 120 of 300 at 256 px  content 0.38  style 0.071  25 s left'"""
    point = event.point
    left = "" if event.seconds_left == float("inf") else duration(event.seconds_left)
    return (
        f"{event.share:4.0%}  closure {point.step} of {event.steps} at {point.scale_px} px  "
        f"content {point.content:.3g}  style {point.style:.3g}  {left} left"
    )


def ending(event: Finished) -> str:
    if event.path and not event.closures:
        return f"{typed(event.path)}: finished before."
    how = f"{event.closures:,} closures in {duration(event.seconds)}"
    return f"{typed(event.path)}: {how}." if event.path else how


def stopped_text(event: Stopped) -> str:
    how = f"Stopped after {event.closures:,} of {event.steps:,} closures"
    return f"{how}: the same command with --resume goes on." if event.path else f"{how}."


class PlainScreen:
    """Lines of text, one of progress every ten seconds."""

    def __init__(self) -> None:
        self._pace = Pace(PLAIN_SECONDS)
        self._preview: object = None

    def __call__(self, event: Event) -> None:
        match event:
            case Planned():
                for topic, text in plan_rows(event.plan):
                    say(f"  {topic:10} {text}")
            case Preparing() | Stepped():
                self._in_time(event)
            case Previewed():
                if event.path != self._preview:
                    say(f"Preview: {event.path}")
                self._preview = event.path
            case Warned():
                say_warning(event)
            case Stopped():
                say(stopped_text(event))
            case Finished():
                say(ending(event))

    def _in_time(self, event: Preparing | Stepped) -> None:
        if isinstance(event, Stepped) and self._pace.allows("step"):
            say(step_text(event))
        if isinstance(event, Preparing) and self._pace.allows(event.progress.task):
            say(render.progress_text(event.progress))


class JsonScreen:
    """One JSON object per event and line, steps once a second; the last says {"ok": true, ...}."""

    def __init__(self) -> None:
        self._pace = Pace(JSON_SECONDS)

    def __call__(self, event: Event) -> None:
        name = type(event).__name__.lower()
        if isinstance(event, Stepped | Preparing) and not self._pace.allows(name):
            return
        facts = {part.name: plain(getattr(event, part.name))
                 for part in fields(event) if part.name != "picture"}  # fmt: skip
        if isinstance(event, Finished):
            facts = {"ok": True, **facts}
        say_json({"event": name, **facts})


class LiveScreen:
    """What happens once scrolls by; a bar stays at the bottom."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        from ganwerk.cli.live import Bars, terminal

        self._console = terminal()
        self._bars = Bars(self._console)
        self._rich = RichProgress(
            BarColumn(), TextColumn("{task.fields[state]}"), console=self._console, transient=True
        )
        self._task = self._rich.add_task("", total=1.0, state="")

    def __call__(self, event: Event) -> None:
        match event:
            case Planned():
                self._bars.close()
                for topic, text in plan_rows(event.plan):
                    self._console.print(f"  {topic:10} {text}", soft_wrap=True)
                self._rich.start()
            case Preparing():
                self._bars(event.progress)
            case Stepped():
                self._rich.update(self._task, completed=event.share, state=step_text(event))
            case Previewed():
                self._rich.update(self._task, description=printable(str(event.path)))
            case Warned():
                self._console.print(f"warning: {event.message}", style="yellow")
            case Stopped():
                self._rich.stop()
                self._console.print(stopped_text(event), soft_wrap=True)
            case Finished():
                self._rich.stop()
                self._console.print(ending(event), soft_wrap=True)

    def close(self) -> None:
        self._bars.close()
        self._rich.stop()
