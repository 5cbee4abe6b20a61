"""ganwerk lab: experiments whose truth is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganwerk.checks import count
from ganwerk.cli.group import Group
from ganwerk.cli.options import PATH, Command, data_root_option, json_option
from ganwerk.cli.output import say, say_json
from ganwerk.values import Progress, ProgressCallback

if TYPE_CHECKING:
    from ganwerk.lab.setting import GameSetting
    from ganwerk.lab.verbs import Experiment, Outcome

_METHOD_HELP = (
    "plain, or remedies and changes of the setting joined by +, such as unrolled:steps=5, "
    "r1:weight=0.1+replay or loss=hinge+d_steps=2. May be given several times."
)


@click.group("lab", cls=Group)
def command() -> None:
    """Small games whose truth is known: see what goes wrong, and what each remedy does.

    Every experiment draws a figure (PNG), an animation (WebP) and a table; the same seed gives
    the same games. Games that are finished are kept: the same command again plays only the rest.

    \b
    Examples, in the order in which they tell the story of GANs (docs/lab.md):
      ganwerk lab line       the game and its equilibrium
      ganwerk lab vanish     gradients that vanish
      ganwerk lab dirac      circling, and what ends it
      ganwerk lab ring       collapse, and what prevents it
      ganwerk lab grid       25 modes
      ganwerk lab stacked    1,000 modes of pictures
      ganwerk lab compare    methods by problems
    """


def _counted(most: int) -> Callable[..., int | None]:
    """Reads a count of at most so many."""

    def read(_ctx: click.Context, option: click.Parameter, text: str | None) -> int | None:
        return None if text is None else count(text, f"--{option.name}", most)

    return read


def lab_options(seeds: str) -> Callable[[Command], Command]:
    """What all experiments have."""

    def add(function: Command) -> Command:
        for option in (
            json_option("the numbers"),
            click.option("--still", is_flag=True, help="Draw no animation."),
            click.option("--processes", metavar="N", callback=_counted(1024),
                         help="Games at once.  [default: all cores]"),
            click.option(
                "--out", metavar="DIR", type=PATH,
                help="Where figures and games go.  [default: runs/lab-NAME]",
            ),
            click.option("--steps", metavar="N", callback=_counted(10**9),
                         help="Steps of each game."),
            click.option("--seeds", metavar="N", default=seeds, show_default=True,
                         callback=_counted(10_000),
                         help="Games per method, with the seeds 0 to N - 1."),
            click.option("--method", "methods", metavar="METHOD", multiple=True,
                         help=_METHOD_HELP),
        ):  # fmt: skip
            function = option(function)
        return function

    return add


def preset_option(names: str, default: str) -> Callable[[Command], Command]:
    return click.option(
        "--preset", metavar="NAME", default=default, show_default=True,
        help=f"The networks and rates: {names}.",
    )  # fmt: skip


@command.command("line", short_help="The game on a line, until D = 1/2.")
@lab_options("1")
def on_line(**options: Any) -> None:
    """The game of the first GAN paper on a line: p_data, p_g, D(x) and where z goes, step by step
    until D = 1/2 and V = -log 4. The first method's first game is drawn.

    \b
    Example:
      ganwerk lab line
    """
    from ganwerk.lab import experiments, line

    _run(experiments.LINE, line.SETTING, ("r1:weight=0.2",), options)


@command.command("dirac", short_help="Two numbers that play: circling or converging.")
@lab_options("1")
def dirac(**options: Any) -> None:
    """Dirac-GAN: G is one number and D another; without a remedy they circle around their
    equilibrium for ever. The measured factor per step stands beside the one of theory.

    \b
    Example:
      ganwerk lab dirac --method plain --method r1:weight=0.5
    """
    from ganwerk.lab import experiments
    from ganwerk.lab.dirac import SETTING

    usual = ("plain", "r1:weight=0.5", "unrolled:steps=5", "optimistic", "extra-gradient",
             "instance-noise:std=1,until=1")  # fmt: skip
    _run(experiments.DIRAC, SETTING, usual, options)


@command.command("vanish", short_help="The gradient that reaches G as D gets perfect.")
@lab_options("3")
def vanish(**options: Any) -> None:
    """D learns to perfection while G stands still: what is left of the gradient that reaches G,
    for the minimax, the non-saturating and the Wasserstein game.

    \b
    Example:
      ganwerk lab vanish --method loss=minimax --method loss=minimax+r1:weight=1
    """
    from ganwerk.lab import experiments
    from ganwerk.lab.vanish import METHODS, SETTING

    _run(experiments.VANISH, SETTING, METHODS, options)


@command.command("ring", short_help="Eight Gaussians on a ring: mode collapse.")
@preset_option("collapse, unrolled, notebook, pacgan, best", "collapse")
@lab_options("3")
def ring(preset: str, **options: Any) -> None:
    """Eight Gaussians on a ring: how many of them a method finds, and how well.

    \b
    Example:
      ganwerk lab ring --method plain --method packing:size=4 --seeds 10
    """
    from ganwerk.lab import experiments, presets

    _run_preset(experiments.RING, presets.RING, preset, options)


@command.command("grid", short_help="25 Gaussians on a grid.")
@preset_option("best, collapse, pacgan", "best")
@lab_options("3")
def grid(preset: str, **options: Any) -> None:
    """25 Gaussians on a grid.

    \b
    Example:
      ganwerk lab grid --seeds 10
    """
    from ganwerk.lab import experiments, presets

    _run_preset(experiments.GRID, presets.GRID, preset, options)


@command.command("stacked", short_help="Stacked MNIST: 1,000 modes.")
@preset_option("best, quarter, half, full", "best")
@data_root_option
@lab_options("1")
def stacked(preset: str, data_root: Path | None, **options: Any) -> None:
    """Three digits of MNIST, one in each colour channel, make 1,000 modes; a classifier, trained
    at the first call and kept, counts them.

    \b
    Example:
      ganwerk lab stacked --preset full --data-root ../data
    """
    from ganwerk.cli.bars import progress_bars
    from ganwerk.lab import experiments, presets
    from ganwerk.lab.stacked import ready

    with progress_bars(quiet=options["as_json"]) as progress:
        ready(data_root, progress)
    _run_preset(experiments.STACKED, presets.stacked(data_root), preset, options)


@command.command("compare", short_help="Methods by problems, over seeds.")
@click.option("--problem", "problems", metavar="NAME", multiple=True,
              help="ring, grid or stacked, with a preset after a colon: ring:collapse. "
              "May be given several times.  [default: ring, grid]")  # fmt: skip
@data_root_option
@lab_options("5")
def compare(problems: Sequence[str], data_root: Path | None, **options: Any) -> None:
    """Every method plays every problem, in parallel processes. Stop it and start it again as you
    like: finished games are kept in the folder.

    \b
    Example:
      ganwerk lab compare --problem ring --method plain --method unrolled:steps=5 --seeds 10
    """
    from ganwerk.lab import compare as verb
    from ganwerk.lab.stacked import ready

    steps = options["steps"]
    chosen = [verb.problem(text, steps, data_root) for text in problems or ("ring", "grid")]
    methods = options["methods"] or verb.METHODS
    out = options["out"] or Path("runs/lab-compare")
    with _progress(options["as_json"]) as progress:
        if any(each.name.startswith("stacked") for each in chosen):
            ready(data_root, progress)
        found = verb.compare(chosen, methods, options["seeds"], out, _processes(options), progress)
    if options["as_json"]:
        say_json({"ok": True, "folder": found.folder, "figures": found.figures,
                  "means": found.means})  # fmt: skip
        return
    for each in found.problems:
        say(each.name)
        _say_table(found.means[each.name], each.experiment)
        say()
    _say_files(found.figures)


def _run_preset(experiment: Experiment, presets: Any, name: str, options: dict[str, Any]) -> None:
    from ganwerk.errors import ConfigError, did_you_mean

    if name not in presets:
        raise ConfigError(f"There is no preset '{name}' here.", did_you_mean(name, presets))
    _run(experiment, presets[name].setting, presets[name].methods, options)


def _run(
    experiment: Experiment, setting: GameSetting, methods: Sequence[str], options: dict[str, Any]
) -> None:
    from ganwerk.lab.verbs import Request, longer, run

    request = Request(
        longer(setting, options["steps"]),
        tuple(options["methods"] or methods),
        options["seeds"],
        options["out"] or Path(f"runs/lab-{experiment.name}"),
        _processes(options),
        moving=not options["still"],
    )
    with _progress(options["as_json"]) as progress:
        outcome = run(experiment, request, progress)
    _show(experiment, outcome, options["as_json"])


def _processes(options: dict[str, Any]) -> int:
    from ganwerk.runtime.machine import facts

    return options["processes"] or facts("cpu").cores


def _show(experiment: Experiment, outcome: Outcome, as_json: bool) -> None:
    if as_json:
        say_json({"ok": True, "experiment": outcome.experiment, "folder": outcome.folder,
                  "figures": outcome.figures, "means": outcome.means})  # fmt: skip
        return
    _say_table(outcome.means, experiment)
    say()
    _say_files(outcome.figures)


def _say_table(means: Any, experiment: Experiment) -> None:
    from ganwerk.lab.method import title
    from ganwerk.lab.table import aligned, rows

    named = {title(text): facts for text, facts in means.items()}
    for text in aligned(rows(named, experiment.columns)):
        say(text)


def _say_files(figures: Sequence[Path]) -> None:
    for path in figures:
        say(f"Drawn: {path}")


@contextmanager
def _progress(quiet: bool) -> Iterator[ProgressCallback]:
    """Bars, with the pace and the time that is left beside the steps."""
    from ganwerk.cli.bars import progress_bars
    from ganwerk.cli.render import speed
    from ganwerk.values import duration

    began = time.monotonic()
    first: int | None = None
    with progress_bars(quiet) as show:

        def timed(progress: Progress) -> None:
            nonlocal first, began
            if first is None and progress.done:
                first, began = progress.done, time.monotonic()
            unit, past = progress.unit, time.monotonic() - began
            done = progress.done - (first or 0)
            if progress.total and done > 0 and past > 1:
                left = (progress.total - progress.done) * past / done
                unit += f", {speed(done / past)}, {duration(left)} left"
            show(Progress(progress.task, progress.done, progress.total, unit))

        yield timed
