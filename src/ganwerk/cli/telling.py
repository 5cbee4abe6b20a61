"""What happens in a training, told in lines: what the plain and the live screen share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ganwerk.cli import render
from ganwerk.cli.output import say
from ganwerk.runtime.events import (
    Ended,
    Event,
    Found,
    Judged,
    Pictured,
    Plan,
    Planned,
    Preparing,
    Saved,
    Stepped,
    Treated,
    Warned,
)
from ganwerk.values import Progress


def say_warning(event: Warned, line: Callable[..., None] = say) -> None:
    """line: takes a text and its colour."""
    line(f"warning: {event.message}", "yellow")
    for text in event.hint.splitlines():
        line(f"hint: {text}")


class TextScreen:
    """What happens, told in lines: whatever happens once stands here, what goes on in subclasses.

    last_words: end with the commands to type next."""

    def __init__(self, *, last_words: bool = True) -> None:
        self._last_words = last_words
        self._loss: str | None = None
        self._newest: Path | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case Planned():
                self._loss = event.plan.loss
                self.plan(event.plan)
            case Preparing():
                self.preparing(event.progress)
            case Stepped():
                self._explain_once()
                self.stepped(event)
            case Pictured():
                first, self._newest = self._newest is None, event.path
                self.pictured(event, first)
            case Judged():
                self.judged(event)
            case Saved() if event.images:  # the first one holds no training yet
                self.saved(event)
            case Ended():
                self._end(event)
            case _:
                self._say(event)

    def _say(self, event: Event) -> None:
        match event:
            case Warned():
                say_warning(event, self.line)
            case Found():
                self.line(*render.finding(event))
            case Treated():
                self.line(render.treated(event), "cyan")

    def _explain_once(self) -> None:
        if self._loss is not None:
            self.explain(render.legend(self._loss))
            self._loss = None

    def _end(self, event: Ended) -> None:
        self.leave()
        self.line()
        for text in render.ending(event, newest=self._newest, last_words=self._last_words):
            self.line(text)

    def line(self, text: str = "", colour: str | None = None) -> None:
        say(text, colour)

    def plan(self, plan: Plan) -> None: ...
    def preparing(self, progress: Progress) -> None: ...
    def explain(self, lines: list[str]) -> None: ...
    def stepped(self, event: Stepped) -> None: ...
    def pictured(self, event: Pictured, first: bool) -> None: ...
    def judged(self, event: Judged) -> None: ...
    def saved(self, event: Saved) -> None: ...

    def leave(self) -> None:
        """Before the last lines: whatever goes on ends."""

    def done(self, run: Path) -> None:
        pass

    def close(self) -> None:
        pass
