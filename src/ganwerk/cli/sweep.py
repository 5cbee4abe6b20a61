"""ganwerk sweep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganwerk import checks
from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, json_option, read_by
from ganwerk.cli.output import say, say_json
from ganwerk.cli.settings import settings_of, settings_options
from ganwerk.errors import ConfigError, typed

if TYPE_CHECKING:
    from ganwerk.sweep.directory import Folder
    from ganwerk.sweep.results import Outcome, Row


@click.command("sweep", cls=Command)
@click.argument("data", callback=read_by(checks.pictures))
@click.option(
    "--vary",
    metavar="KEY=WHAT",
    multiple=True,
    help="A setting and its range: KEY=0.1..0.9, KEY=log:1e-4..1e-2, KEY=16..128, KEY=a,b,c. May "
    "be repeated.",
)
@click.option("--trials", metavar="N", type=int, help="Trainings in all.  [default: 24]")
@click.option("--seeds", metavar="LIST", help="Train each setting with these seeds.  [default: 0]")
@click.option("--preset", metavar="NAME", help="Starting point; see `ganwerk config presets`.")
@click.option(
    "--config", "file", metavar="FILE", type=PATH, help="TOML file of settings, as of train."
)
@settings_options
@json_option("one object about all trials")
def command(
    data: str, vary: tuple[str, ...], trials: int | None, seeds: str | None, preset: str | None,
    file: Path | None, out: Path | None, remedies: tuple[str, ...], sets: tuple[str, ...],
    as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Train many times on the pictures in DATA with other settings, and say which are best.

    Any number of processes and machines work on one sweep: give the same command again, or name
    the folder of the sweep as DATA. What a killed process left is taken up and resumed. Trials that
    are behind at the same number of images are ended early.

    \b
    Examples:
      ganwerk sweep pictures --vary remedy.r1.weight=log:0.01..10 --trials 24 --minutes 5
      ganwerk sweep pictures --vary game.loss=hinge,relativistic --vary latent.dim=16..128
      ganwerk sweep sweeps/pictures                            # join, or see what was found
    """
    flags = settings_of(options)
    from ganwerk.cli.bars import progress_bars
    from ganwerk.sweep.directory import Folder, is_sweep
    from ganwerk.sweep.sweep import sweep

    if is_sweep(Path(data)):
        given = [vary, preset, file, out, remedies, sets, flags, seeds, trials]
        if any(value not in (None, (), {}) for value in given):
            raise ConfigError(
                f"{data} is a sweep, whose settings stand in it.",
                f"Join it without options: ganwerk sweep {typed(data)}",
            )
        folder = Folder.open(Path(data))
    else:
        folder = _made(data, vary, trials, seeds, preset, file, out, remedies, sets, flags)
    with progress_bars(quiet=as_json) as progress:
        told = _silent if as_json else _tell
        outcome = sweep(folder, told, _as_progress(progress))
    _show(folder, outcome, as_json)


def _made(
    data: str, vary: tuple[str, ...], trials: int | None, seeds: str | None, preset: str | None,
    file: Path | None, out: Path | None, remedies: tuple[str, ...], sets: tuple[str, ...],
    flags: dict[str, tuple[Any, str]],
) -> Folder:  # fmt: skip
    from ganwerk.config.load import read_text
    from ganwerk.sweep.directory import MOST_TRIALS, Definition
    from ganwerk.sweep.sweep import make

    seed = flags.pop("run.seed", None)
    if seed is not None and seeds is not None:
        raise ConfigError(f"{seed[1]} and --seeds {seeds} are two answers.", "Keep one of them.")
    wanted = checks.seeds(seeds if seeds is not None else [0 if seed is None else seed[0]])
    definition = Definition(
        data=data,
        preset=preset,
        remedies=remedies,
        sets=sets,
        flags=flags,
        settings=None if file is None else read_text(file),
        vary=vary,
        seeds=wanted,
        trials=checks.whole(24 if trials is None else trials, "--trials", most=MOST_TRIALS),
    )
    return make(out, definition, file)


def _silent(_: Any) -> None:
    """Nothing is told before the end."""


def _tell(event: Any) -> None:
    """A line when a trial begins, and one when it is over."""
    from ganwerk.sweep.results import short
    from ganwerk.sweep.sweep import Began

    if isinstance(event, Began):
        values = ", ".join(f"{key} {short(value)}" for key, value in event.taken.values.items())
        verb = "goes on" if event.taken.resumed else "begins"
        say(f"Trial {event.taken.number + 1} of {event.total} {verb}: {values}")
        return
    best = event.best
    said = f", best so far {best.score:.2f} (trial {best.number})" if best is not None else ""
    say(f"Trial {event.row.number} of {event.total}: {_came_of(event.row)}{said}")


def _came_of(row: Row) -> str:
    from ganwerk.sweep.results import note, scored

    return f"score {scored(row)}" if row.score is not None else note(row)


def _as_progress(progress: Any) -> Any:
    """What a training tells, as one bar."""
    from ganwerk.runtime.events import Preparing, Stepped
    from ganwerk.values import Progress

    def hear(event: Any) -> None:
        if isinstance(event, Preparing):
            progress(event.progress)
        if isinstance(event, Stepped):
            progress(Progress("training", event.images, event.total_images, "images"))

    return hear


def _show(folder: Folder, outcome: Outcome, as_json: bool) -> None:
    from ganwerk.runtime.events import SCORE
    from ganwerk.sweep.results import FIGURE, as_json_values, table
    from ganwerk.sweep.vary import parse

    if as_json:
        say_json({"ok": True, "folder": outcome.folder, "stopped": outcome.stopped,
                  **as_json_values(outcome)})  # fmt: skip
        return
    say()
    for line in table(outcome, [parse(text) for text in folder.definition.vary]):
        say(line)
    say()
    real = "" if outcome.floor is None else f"; real pictures score {outcome.floor:.2f}"
    say(f"Score: {SCORE} of the averaged generator at the end, lower is better{real}.")
    total, left = folder.definition.trials, outcome.count("running")
    missing = total - len(outcome.rows)
    if left or missing:
        say(f"{left} trials are not finished, {missing} not begun. Go on: ganwerk sweep "
            f"{typed(outcome.folder)}")  # fmt: skip
    if outcome.best is not None:
        say(f"Drawn: {outcome.folder / FIGURE}")
        say(f"The best run: ganwerk sample {typed(outcome.best.run)} --seeds 0-63 --grid")
