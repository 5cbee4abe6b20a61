"""A training on a terminal: a panel, bars, and one progress display that is rewritten in place."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganwerk.cli import render
from ganwerk.cli.telling import TextScreen
from ganwerk.errors import printable
from ganwerk.runtime.events import Event, Judged, Pictured, Plan, Preparing, Saved, Stepped
from ganwerk.values import Progress, duration

FRAME_SECONDS = 0.1


class _Terminal(Console):
    """Control sequences in names are shown, not obeyed."""

    def print(self, *objects: Any, **how: Any) -> None:
        safe = (printable(each) if isinstance(each, str) else each for each in objects)
        super().print(*safe, **how)


def terminal(*, stderr: bool = False) -> Console:
    """Text is shown as it is: a path with [brackets] is no markup."""
    return _Terminal(stderr=stderr, markup=False, emoji=False, highlight=False)


def plan_panel(plan: Plan) -> Panel:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold")
    rows.add_column(overflow="fold")
    for topic, text in render.plan_rows(plan):
        rows.add_row(topic, Text(text, style="yellow" if topic == "note" else ""))
    return Panel(rows, title="Plan", title_align="left", expand=False)


class Bars:
    """A bar for each task; all vanish when closed."""

    def __init__(self, console: Console) -> None:
        self._rich = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[amount]}"),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        amount = render.amount(progress)
        if progress.task not in self._tasks:
            self._rich.start()
            self._tasks[progress.task] = self._rich.add_task(
                render.task_name(progress), amount=amount
            )
        self._rich.update(
            self._tasks[progress.task],
            completed=progress.done,
            total=progress.total,
            amount=amount,
        )

    def close(self) -> None:
        self._rich.stop()


class LiveScreen(TextScreen):
    """What happens once scrolls by; what goes on stays at the bottom."""

    def __init__(self, console: Console | None = None, *, last_words: bool = True) -> None:
        super().__init__(last_words=last_words)
        self._console = console or terminal()
        self._bars: Bars | None = None
        self._live: Live | None = None
        self._drawn = 0.0
        self._step: Stepped | None = None
        self._saved: int | None = None
        self._judged: Judged | None = None

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Preparing):
            self._close_bars()
        super().__call__(event)

    def line(self, text: str = "", colour: str | None = None) -> None:
        self._console.print(text, style=colour, soft_wrap=True)

    def plan(self, plan: Plan) -> None:
        self._console.print(plan_panel(plan))

    def preparing(self, progress: Progress) -> None:
        if self._bars is None:
            self._bars = Bars(self._console)
        self._bars(progress)

    def explain(self, lines: list[str]) -> None:
        for text in lines:
            self.line(text, "dim")

    def stepped(self, event: Stepped) -> None:
        self._step = event
        self._draw()

    def pictured(self, event: Pictured, first: bool) -> None:
        self._draw()

    def judged(self, event: Judged) -> None:
        self._judged = event
        self._draw()

    def saved(self, event: Saved) -> None:
        self._saved = event.images
        self._draw()

    def leave(self) -> None:
        self.close()

    def close(self) -> None:
        self._close_bars()
        if self._live:
            self._live.update(self._view(), refresh=True)
            self._live.stop()
            self._live = None

    def _close_bars(self) -> None:
        if self._bars:
            self._bars.close()
            self._bars = None

    def _draw(self) -> None:
        if self._step is None:
            return
        if self._live is None:
            # Drawn from here only: a thread of rich's would take turns with the training
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()
        if time.monotonic() >= self._drawn + FRAME_SECONDS:
            self._live.update(self._view(), refresh=True)
            self._drawn = time.monotonic()

    def _view(self) -> Group | str:
        """A line of progress, and a line of what it means."""
        step = self._step
        if step is None:
            return ""
        line = Table.grid(padding=(0, 2), expand=True)
        line.add_column(ratio=1)
        for _ in range(4):
            line.add_column(no_wrap=True)
        line.add_row(
            ProgressBar(total=1.0, completed=render.share(step)),
            f"{render.share(step):.0%}",
            f"{step.images:,} of {step.total_images:,} images",
            render.speed(step.images_per_second),
            f"{duration(step.seconds_left)} left",
        )
        below = [render.numbers(step.measured)]
        if self._judged:
            below.insert(0, render.judged(self._judged))
        if self._newest:
            below.append(f"{self._newest.parent.name}/{self._newest.name}")
        if self._saved is not None:
            below.append(f"saved at {self._saved:,}")
        state = Text("   ".join(part for part in below if part), no_wrap=True, overflow="ellipsis")
        return Group(line, state)
