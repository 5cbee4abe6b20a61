"""ganwerk config: what the settings are and where they come from."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganwerk.cli.group import Group, UsageError
from ganwerk.cli.options import PATH, json_option
from ganwerk.cli.output import on_terminal, say, say_json

if TYPE_CHECKING:
    from ganwerk.config.explain import Explained
    from ganwerk.config.load import Draft


@click.group("config", cls=Group)
def command() -> None:
    """Explain settings and presets.

    \b
    Examples:
      ganwerk config explain runs/mine
      ganwerk config presets
    """


@command.command("explain", short_help="Show each setting of a run or preset, and its origin.")
@click.argument("run", required=False, type=PATH)
@click.option("--preset", metavar="NAME", help="Explain a preset instead of a run.")
@json_option("key, value, origin and meaning of each")
def explain(run: Path | None, preset: str | None, as_json: bool) -> None:
    """Show each setting of the folder RUN with its value, its origin and its meaning.

    With --preset: what this preset sets. All else is chosen from the pictures and the machine.

    \b
    Examples:
      ganwerk config explain runs/mine
      ganwerk config explain --preset dcgan
    """
    if run is None and preset is None:
        raise UsageError(
            "Which settings shall be explained?",
            "Name a run, `ganwerk config explain runs/mine`, or a preset with --preset NAME.",
        )
    if run is not None and preset is not None:
        raise UsageError("Give a run or --preset, not both.", "Call it once for each.")
    rows = of_run(run) if run is not None else of_preset(preset or "")
    if as_json:
        say_json({"ok": True, "settings": rows})
        return
    show_table(rows)
    if preset:
        say("\nAll else is chosen from pictures and machine; to see it, without training:")
        say(f"  ganwerk train DATA --preset {preset} --dry-run")


@command.command("presets", short_help="List the presets.")
@json_option("names and descriptions")
def presets(as_json: bool) -> None:
    """List the presets, the named starting points for `ganwerk train DATA --preset NAME`.

    \b
    Example:
      ganwerk config presets
    """
    from ganwerk.config.load import preset_names, preset_text

    lines = {name: first_sentence(preset_text(name)) for name in preset_names()}
    if as_json:
        say_json({"ok": True, "presets": lines})
        return
    formatter = click.get_current_context().make_formatter()
    formatter.write_dl(list(lines.items()))
    say(formatter.getvalue().rstrip("\n"))


@command.command("remedies", short_help="List the remedies and their settings.")
@click.argument("name", required=False)
@json_option("names, descriptions and settings")
def remedies(name: str | None, as_json: bool) -> None:
    """List the remedies against collapse and instability; with NAME, the settings of one.

    They are added with `ganwerk train DATA --remedy NAME:key=value,key=value`.

    \b
    Examples:
      ganwerk config remedies
      ganwerk config remedies unrolled
    """
    rows = settings_of_remedy(name) if name else descriptions_of_remedies()
    if as_json:
        say_json({"ok": True, ("settings" if name else "remedies"): rows})
        return
    formatter = click.get_current_context().make_formatter()
    formatter.write_dl(list(rows.items()) or [(str(name), "has no settings")])
    say(formatter.getvalue().rstrip("\n"))


def descriptions_of_remedies() -> dict[str, str]:
    from ganwerk.config.remedies import REMEDIES, describe

    return {name: describe(name) for name in REMEDIES}


def settings_of_remedy(name: str) -> dict[str, str]:
    """Each setting with its default and meaning. Raises ConfigError for an unknown remedy."""
    from ganwerk.config.remedies import REMEDIES, parse

    kind, _ = parse(name)
    found = {}
    for key, field in REMEDIES[kind].model_fields.items():
        if key != "kind":
            default = "chosen for you" if field.is_required() else written(field.default)
            found[f"{key}={default}"] = f"{field.description}"
    return found


@command.command("show", short_help="Print the TOML of a preset.")
@click.argument("preset")
def show(preset: str) -> None:
    """Print the TOML of a preset: a start for a settings file of your own.

    \b
    Example:
      ganwerk config show dcgan > mine.toml
      ganwerk train pictures --config mine.toml
    """
    from ganwerk.config.load import preset_text

    say(preset_text(preset).rstrip("\n"))


def first_sentence(text: str) -> str:
    """The first sentence of the comment that opens a preset."""
    comment = []
    for line in text.strip().splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# ").strip())
    return re.split(r"(?<=\.)\s+(?=[A-Z])", " ".join(comment))[0]


def of_run(path: Path) -> list[Explained]:
    """Every setting of a run. Raises RunError, ConfigError."""
    from ganwerk.config.explain import explain
    from ganwerk.config.load import from_toml
    from ganwerk.run import Run

    run = Run.open(path)
    return explain(from_toml(run.settings_toml, str(run.settings_path)), run.origins)


def of_preset(name: str) -> list[Explained]:
    """What a preset sets. Raises ConfigError for an unknown one."""
    from ganwerk.config.explain import Explained
    from ganwerk.config.load import collect

    draft = collect(preset=name)
    return [
        Explained(key, value, str(draft.origins[key]), meaning_in(draft, key))
        for key, value in draft.values.items()
    ]


def meaning_in(draft: Draft, key: str) -> str:
    """The meaning of a setting before all settings are known."""
    from ganwerk.config import schema

    path, _, name = key.rpartition(".")
    section = path.partition(".")[0]
    if section in ("network", "remedy"):
        models = schema.NETWORKS if section == "network" else schema.REMEDIES
        kind = str(draft.values.get(f"{path}.kind"))
        possible = [models[kind]] if kind in models else list(models.values())
    else:
        possible = [schema.SECTIONS.get(section, schema.Settings)]
    found = (model.model_fields[name] for model in possible if name in model.model_fields)
    return next((field.description or "" for field in found), "")


def show_table(rows: Sequence[Explained]) -> None:
    """On a terminal a table of its width; elsewhere one line a setting, in columns."""
    cells = [(row.key, written(row.value), row.origin, row.meaning) for row in rows]
    head = ("setting", "value", "from", "meaning")
    if not on_terminal(sys.stdout):
        widths = [min(40, max(len(line[i]) for line in (head, *cells))) for i in range(3)]
        for line in (head, *cells):
            first = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False))
            say(f"{first}  {line[3]}".rstrip())
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ganwerk.cli.live import terminal

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in head:
        table.add_column(title, no_wrap=title == "setting")
    for line in cells:
        table.add_row(*line)
    terminal().print(table)


def written(value: object) -> str:
    """A value as one writes it after --set."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "chosen for you"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return str(value)
