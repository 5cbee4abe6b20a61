"""ganwerk diagnose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH, json_option
from ganwerk.cli.output import say, say_json
from ganwerk.errors import ConfigError, GanwerkError, typed

if TYPE_CHECKING:
    from ganwerk.doctor.finding import Finding, Kind
    from ganwerk.doctor.verdict import Diagnosis

DOCS = Path(__file__).parents[3] / "docs"
COLOURS = {"act": "red", "watch": "yellow", "note": None}


@click.command("diagnose", cls=Command)
@click.argument("run", type=PATH, required=False)
@click.option("--deep", is_flag=True, help="Look closer, which takes a minute or more.")
@click.option("--explain", metavar="CODE", help="What a finding means; needs no RUN.")
@json_option("the diagnosis")
def command(run: Path | None, deep: bool, explain: str | None, as_json: bool) -> None:
    """Say what goes wrong in the training in the folder RUN, how sure that is, and what helps.

    The training may be finished, stopped, broken off or still running. Ends with status 1 if a
    finding asks for something (weights 'act' and 'watch'), with 0 if none does.

    \b
    Examples:
      ganwerk diagnose runs/mine
      ganwerk diagnose runs/mine --deep
      ganwerk diagnose --explain GW202
    """
    if explain is not None:
        _explain(explain, as_json)
        return
    if run is None:
        raise ConfigError(
            "ganwerk diagnose needs the folder of a run, or --explain CODE.",
            "For example: ganwerk diagnose runs/mine",
        )
    from ganwerk.doctor.diagnose import diagnose

    found, closer = diagnose(run), None
    if deep:
        from ganwerk.doctor.deep import look_closer

        try:
            closer = look_closer(run)
        except GanwerkError as error:  # what can be said without stays true
            found = replace(found, gaps=(*found.gaps, f"No closer look: {error.message}"))
    if as_json:
        say_json({"ok": True, "run": run, "diagnosis": found.to_dict(), "closer": closer})
    else:
        say_diagnosis(found, run)
        if closer is not None:
            say("\nLooked at closely:")
        for line in closer.sentences if closer else ():
            say(f"  {line}")
    if found.wrong:
        raise SystemExit(1)


def say_diagnosis(found: Diagnosis, run: Path) -> None:
    """Findings in this run, what was measured, and what cannot be told."""
    lasting = found.lasting
    for finding in lasting:
        _say_finding(finding, run)
    if not lasting:
        say("Nothing found: no finding holds." if found.looks else "Nothing can be told.", "green")
    over = [finding for finding in found.findings if not finding.lasts]
    for finding in over:
        say(
            f"over: {finding.code} {finding.name}, from {finding.since_images:,} to "
            f"{finding.until_images or 0:,} images"
        )
    if found.measured:
        say("\nMeasured last, and what your own pictures score against each other:")
        for name, values in found.measured.items():
            real = f"{values['real']:.3g} ± {values['varies']:.2g}" if "real" in values else ""
            say(f"  {name.replace('_', ' '):20} {values['value']:>8.3g}   {real}")
    say("\nHow far to trust it:")
    for sentence in (*found.power, *found.gaps):
        say(f"  {sentence}")
    if found.unknown and found.looks:
        codes = ", ".join(unknown.code for unknown in found.unknown)
        say(f"  Cannot be told of this run: {codes} (--json says why).")


def _say_finding(finding: Finding, run: Path) -> None:
    from ganwerk.doctor.table import kind

    say(f"{finding.code} {finding.name}", COLOURS[finding.weight])
    say(f"  {finding.text}")
    if finding.since_images:
        say(f"  Since {finding.since_images:,} images; sureness {finding.sureness:.0%}.")
    for sentence in finding.against:
        say(f"  {sentence}")
    known = kind(finding.code)
    say(f"  What helps: {known.helps_with(run)}")
    say(f"  More: ganwerk diagnose --explain {finding.code}\n")


def last_word(found: Diagnosis) -> list[str]:
    """The diagnosis in a line for each finding."""
    lines = [f"{f.code} {f.name}: {f.measured}." for f in found.lasting]
    if not lines:
        lines = ["Nothing found." if found.looks else "It was too short to look at."]
    return lines


def _explain(code: str, as_json: bool) -> None:
    from ganwerk.doctor.table import kind

    known = kind(code)
    if as_json:
        say_json({"ok": True, "finding": known})
    else:
        for line in explained(known):
            say(line)


def explained(known: Kind) -> list[str]:
    """A kind of finding, for someone who meets it for the first time."""
    lines = [
        f"{known.code} {known.name}",
        f"  What it means: {known.means}",
        f"  How it looks:  {known.looks_like}",
        f"  Why it comes:  {known.why}",
        f"  What helps:    {known.helps}",
    ]
    for number, treatment in enumerate(known.treatments, 1):
        before = ", from the last checkpoint before the harm" if treatment.back else ""
        lines.append(f"  Treatment {number}:   {treatment.words}{before}")
    if known.treatments:
        lines.append(f"  Try them:      ganwerk resume RUN --treat {typed(known.code)}")
    if known.lab:
        lines.append(f"  See it happen: {known.lab}")
    page = DOCS / known.page
    if page.is_file():  # an installed package has none
        lines.append(f"  With pictures: {page}")
    return lines
