"""Screens: whoever watches a training from the command line.

JsonScreen for programs, PlainScreen for pipes and CI, live.LiveScreen for terminals.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Protocol

from ganwerk.cli import render
from ganwerk.cli.output import on_terminal, plain, say, say_json
from ganwerk.cli.telling import TextScreen
from ganwerk.runtime.events import (
    Ended,
    Event,
    Judged,
    Pictured,
    Plan,
    Planned,
    Preparing,
    Saved,
    Stepped,
    Watcher,
)
from ganwerk.scale.launch import following
from ganwerk.values import Progress, duration

Clock = Callable[[], float]
PLAIN_SECONDS = 10.0
JSON_SECONDS = 1.0


class Screen(Protocol):
    """A watcher that is told the end as well."""

    def __call__(self, event: Event) -> None: ...

    def done(self, run: Path) -> None:
        """The training has returned; `run` is its folder."""

    def close(self) -> None:
        """Leave the terminal as it was, also after an error."""


@contextmanager
def watching(as_json: bool, *, last_words: bool = True) -> Iterator[Screen]:
    """The screen that suits stdout. last_words: end with the commands to type next."""
    screen: Screen
    if following():
        screen = MuteScreen()
    elif as_json:
        screen = JsonScreen()
    elif on_terminal(sys.stdout):
        from ganwerk.cli.live import LiveScreen

        screen = LiveScreen(last_words=last_words)
    else:
        screen = PlainScreen(last_words=last_words)
    try:
        yield screen
    finally:
        screen.close()


def unplanned(watch: Watcher) -> Watcher:
    """`watch` without the plan: for those who show it themselves."""
    return lambda event: None if isinstance(event, Planned) else watch(event)


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """The plan of a training that was not begun."""
    if following():
        return
    if as_json:
        say_json({"ok": True, "plan": plan})
    elif on_terminal(sys.stdout):
        from ganwerk.cli.live import plan_panel, terminal

        terminal().print(plan_panel(plan))
    else:
        say_plan(plan)


def say_plan(plan: Plan) -> None:
    say("Plan")
    for topic, text in render.plan_rows(plan):
        say(f"  {topic:10} {text}")


class Pace:
    """Lets one line through every so many seconds for each topic, the first at once."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._due: dict[str, float] = {}

    def allows(self, topic: str) -> bool:
        now = self._clock()
        if now < self._due.get(topic, now):
            return False
        self._due[topic] = now + self._seconds
        return True


class MuteScreen:
    """Another process speaks for this one."""

    def __call__(self, event: Event) -> None:
        pass

    def done(self, run: Path) -> None:
        pass

    def close(self) -> None:
        pass


class JsonScreen:
    """One JSON object per event and line; the last one says {"ok": true, "run": ...}."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._pace = Pace(JSON_SECONDS, clock)
        self._reason = "finished"

    def __call__(self, event: Event) -> None:
        facts = {part.name: plain(getattr(event, part.name)) for part in fields(event)}
        if isinstance(event, Preparing):
            facts = plain(event.progress)
            complete = event.progress.done == event.progress.total
            if not (complete or self._pace.allows(event.progress.task)):
                return
        if isinstance(event, Ended):
            self._reason = event.reason
        say_json({"event": type(event).__name__.lower(), **facts})

    def done(self, run: Path) -> None:
        say_json({"ok": True, "run": run, "reason": self._reason})

    def close(self) -> None:
        pass


class PlainProgress:
    """Long tasks as a line every few seconds."""

    def __init__(self, say: Callable[[str], None] = say, clock: Clock = time.monotonic) -> None:
        self._say, self._pace = say, Pace(PLAIN_SECONDS, clock)

    def __call__(self, progress: Progress) -> None:
        if self._pace.allows(progress.task):
            self._say(render.progress_text(progress))


class PlainScreen(TextScreen):
    """Lines of text without control characters, a line of progress every ten seconds."""

    def __init__(self, *, last_words: bool = True, clock: Clock = time.monotonic) -> None:
        super().__init__(last_words=last_words)
        self._pace = Pace(PLAIN_SECONDS, clock)
        self.preparing = PlainProgress(clock=clock)  # type: ignore[method-assign]
        self._unsaid: Stepped | None = None

    def plan(self, plan: Plan) -> None:
        say_plan(plan)

    def explain(self, lines: list[str]) -> None:
        for text in ("", *lines, ""):
            self.line(text)

    def stepped(self, event: Stepped) -> None:
        self._unsaid = event
        if self._pace.allows("step"):
            self.leave()

    def pictured(self, event: Pictured, first: bool) -> None:
        if first:
            self.line(f"First pictures: {event.path}; newer ones beside it")

    def judged(self, event: Judged) -> None:
        self.line(f"Measured at {event.images:,} images: {render.judged(event)}")

    def saved(self, event: Saved) -> None:
        self.line(f"Saved at {event.images:,} images")

    def leave(self) -> None:
        if self._unsaid:
            self.line(step_line(self._unsaid))
        self._unsaid = None


def step_line(event: Stepped) -> str:
    """'  12%  11,072 of 90,000 images  980/s  1 min 20 s left  D 1.38  G 0.70 ...'"""
    return (
        f"{render.share(event):4.0%}  {event.images:,} of {event.total_images:,} images  "
        f"{render.speed(event.images_per_second)}  {duration(event.seconds_left)} left  "
        f"{render.numbers(event.measured)}"
    ).rstrip()
