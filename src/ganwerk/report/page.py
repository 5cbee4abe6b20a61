"""The page: its parts in the order in which a person wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ganwerk
from ganwerk.report.curves import plots
from ganwerk.report.facts import Facts, commands, verdict, warnings
from ganwerk.report.findings import findings_section
from ganwerk.report.gallery import pictures_section, timeline_section
from ganwerk.report.health import health_section
from ganwerk.report.markup import Html, el, joined
from ganwerk.report.plot import draw
from ganwerk.report.wording import (
    duration,
    flattened,
    speed,
    worded,
)
from ganwerk.run.files import human_bytes
from ganwerk.run.state import State

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page(facts: Facts) -> Html:
    """The whole file."""
    sections = [
        ("findings", "Findings", findings_section(facts)),
        ("pictures", "Pictures", pictures_section(facts)),
        ("timeline", "Timeline", timeline_section(facts)),
        ("curves", "Curves", _curves(facts)),
        ("data", "Data", health_section(facts)),
        ("settings", "Settings", _settings(facts)),
        ("machine", "Machine", _machine(facts)),
        ("next", "How to go on", _next(facts)),
    ]
    shown = [(name, title, content) for name, title, content in sections if content]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        el("link", rel="icon", href="data:,"),
        el("title", f"{facts.run.name} · ganwerk"),
        el("style", _asset("page.css")),
    )
    body = el(
        "body",
        _header(facts, [(name, title) for name, title, _ in shown]),
        el("main", *(el("section", content, id=name) for name, _, content in shown)),
        el("footer", f"Written by ganwerk {ganwerk.__version__} on {facts.now}."),
        el("script", _asset("page.js")),
    )
    return Html(f"<!doctype html>\n{el('html', head, body, lang='en')}\n")


def _asset(name: str) -> Html:
    return Html(Path(__file__).with_name(name).read_text("utf-8"))


def _header(facts: Facts, sections: Sequence[tuple[str, str]]) -> Html:
    state = "waiting" if facts.state is State.WAITING else str(facts.state)
    created = str(facts.about.get("created", ""))[:10]
    share = 100 * facts.images / facts.total_images if facts.total_images else 0
    unfinished = facts.state is not State.FINISHED and 0 < share < 100
    progress = el("div", el("i", style=f"width:{share:.1f}%"), class_="bar") if unfinished else ""
    return el(
        "header",
        el("p", "A ganwerk training", f", begun {created}" if created else "", class_="kicker"),
        el("h1", facts.run.name, el("span", str(facts.state), class_=f"state {state}")),
        el("p", verdict(facts), class_="verdict"),
        progress,
        _tiles(facts),
        el("nav", *(el("a", title, href=f"#{name}") for name, title in sections)),
    )


def _tiles(facts: Facts) -> Html:
    """The few facts that place the run, as far as they are known."""
    plan, machine = facts.table("plan"), facts.table("machine")
    side, channels = plan.get("resolution"), plan.get("channels")
    kinds: dict[object, str] = {1: "grey", 3: "colour", 4: "colour, transparent"}
    network = [str(plan[key]) for key in ("network", "preset") if plan.get(key)]
    tiles = {
        "Images seen": f"{facts.images:,}",
        "Time": duration(facts.seconds) if facts.seconds else "",
        "Speed": speed(facts.images_per_second) if facts.images_per_second else "",
        "Pictures": f"{plan['pictures']:,}" if isinstance(plan.get("pictures"), int) else "",
        "Size": f"{side} px, {kinds.get(channels, channels)}" if side else "",
        "Network": ", ".join(network),
        "Loss": facts.loss,
        "Device": str(machine.get("device_name") or machine.get("device") or ""),
    }
    known = [(name, value) for name, value in tiles.items() if value]
    return el(
        "dl", *(el("div", el("dt", name), el("dd", value)) for name, value in known), class_="tiles"
    )


# Curves, settings, machine ------------------------------------------------------------------------


def _curves(facts: Facts) -> Html:
    lead = (
        "Two networks play against each other: G paints, D tells paintings from real pictures. The "
        "curves of their losses show whether the game is alive and even. They do not say whether "
        "the pictures are good: a loss that falls or rises proves neither success nor failure. "
        "What was measured of the pictures comes first, if the run was long enough. Strong lines "
        "are smoothed, the faint bands are what was measured."
    )
    drawn = [draw(plot, str(place)) for place, plot in enumerate(plots(facts))]
    empty = el("div", "The curves begin with the first measurements.", class_="empty")
    content = el("div", *drawn, class_="plots") if drawn else empty
    return joined([el("h2", "Curves"), el("p", lead, class_="lead"), content])


def _settings(facts: Facts) -> Html:
    if not facts.explained:
        return Html("")
    chosen = [line for line in facts.explained if not line.origin.startswith("default")]
    usual = [line for line in facts.explained if line.origin.startswith("default")]
    tables = [
        el(
            "details",
            el("summary", title, el("span", f" · {len(lines)}")),
            el("div", _settings_table(lines), class_="wide"),
        )
        for title, lines in (("Chosen for this run", chosen), ("Left at their defaults", usual))
        if lines
    ]
    lead = "Everything that decides what this run is, and where each value came from."
    return joined([el("h2", "Settings"), el("p", lead, class_="lead"), *tables])


def _settings_table(lines: Sequence[Any]) -> Html:
    head = el("tr", *(el("th", name) for name in ("setting", "value", "from", "meaning")))
    rows = [
        el(
            "tr",
            el("td", line.key, class_="key"),
            el("td", worded("", line.value)[1], class_="worth"),
            el("td", line.origin),
            el("td", line.meaning, class_="soft"),
        )
        for line in lines
    ]
    return el("table", el("thead", head), el("tbody", *rows))


def _record(title: str, record: Mapping[str, Any]) -> Html:
    """A table of about.json, whatever it holds."""
    pairs = [worded(key, value) for key, value in flattened(record)]
    if not pairs:
        return Html("")
    rows = [el("tr", el("th", name), el("td", value)) for name, value in pairs]
    return el("div", el("h3", title), el("table", *rows))


def _machine(facts: Facts) -> Html:
    versions = {"ganwerk": facts.about.get("ganwerk"), "begun": _moment(facts.about.get("created"))}
    records = [
        _record("Machine", facts.table("machine") | {k: v for k, v in versions.items() if v}),
        _record("Measured choices", facts.table("choices")),
        _record("Plan at the start", facts.table("plan")),
    ]
    parts: list[Html] = [el("h2", "Machine and run")]
    told = warnings(facts)
    if told:
        lines = [
            el("li", message, el("small", hint) if hint else "", class_="warning")
            for message, hint in told
        ]
        parts.append(el("ul", *lines, class_="findings"))
    parts.append(el("div", *records[:2], class_="half"))
    parts.append(_checkpoints(facts))
    if records[2]:
        content = el("div", records[2], class_="wide")
        parts.append(el("details", el("summary", "Plan"), content))
    return joined(parts)


def _moment(iso: object) -> str:
    """A time as it stands in the files (UTC), for people.

    >>> _moment("2026-11-22T01:32:54+00:00")
    '2026-11-22 01:32 UTC'
    """
    told = str(iso or "")
    return f"{told[:10]} {told[11:16]} UTC" if told[10:11] == "T" else told


def _checkpoints(facts: Facts) -> Html:
    title = el("h3", "Checkpoints")
    if not facts.checkpoints:
        return joined([title, el("p", "None yet.", class_="soft")])
    head = el(
        "tr",
        el("th", "images seen", class_="number"),
        el("th", "size", class_="number"),
        el("th", "saved"),
        el("th", ""),
    )
    rows = [
        el(
            "tr",
            el("td", f"{info.images:,}", class_="number"),
            el("td", human_bytes(info.size_bytes), class_="number"),
            el("td", _moment(info.created)),
            el("td", info.damage or ("best" if info.best else "")),
        )
        for info in facts.checkpoints
    ]
    return joined([title, el("div", el("table", head, *rows, class_="plain"), class_="wide")])


def _next(facts: Facts) -> Html:
    entries = [
        joined([el("dt", does), el("dd", el("code", command))]) for does, command in commands(facts)
    ]
    return joined([el("h2", "How to go on"), el("dl", *entries, class_="commands")])
