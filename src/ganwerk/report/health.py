"""The data section: what was found in the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganwerk.data.health import HealthLine, HealthReport
from ganwerk.report.facts import Facts
from ganwerk.report.markup import Html, el, joined
from ganwerk.report.wording import flattened, worded

MOST_CLASSES = 24
_MOST_LINES = 40


def health_section(facts: Facts) -> Html:
    lead = [f"{name} {value}" for name, value in _whence(facts)]
    findings = [
        el("li", line.text, class_=line.severity if line.severity != "note" else None)
        for line in findings_of(facts.health)
    ]
    parts = [el("h2", "Data")]
    if lead:
        parts.append(el("p", " · ".join(lead), class_="lead"))
    if findings:
        parts.append(el("ul", *findings, class_="findings"))
    counts = class_counts(facts)
    if counts:
        parts.append(_bars(counts))
    return joined(parts) if len(parts) > 1 else Html("")


def _whence(facts: Facts) -> list[tuple[str, str]]:
    plan, data = facts.table("plan"), facts.table("data")
    where = data.get("where") or plan.get("data")
    known = (
        ("from", where),
        ("", _counted(plan.get("pictures"), "pictures")),
        ("", _counted(plan.get("held_out"), "of them held out, never shown to D")),
        ("", "mirrored half of the time" if plan.get("mirror") else ""),
    )
    return [(name, str(value)) for name, value in known if value]


def _counted(count: object, what: str) -> str:
    return f"{count:,} {what}" if isinstance(count, int) and count else ""


def findings_of(health: Mapping[str, Any]) -> list[HealthLine]:
    """The findings in words; of a shape that this version does not know, its plain values."""
    if not health:
        return []
    try:
        return HealthReport.from_dict(health).lines()
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError):
        pairs = [worded(key, value) for key, value in flattened(health)]
        return [HealthLine("note", f"{name}: {value}") for name, value in pairs[:_MOST_LINES]]


def class_counts(facts: Facts) -> list[tuple[str, int]]:
    """Pictures per class, if there are classes and they were counted."""
    names, counts = facts.health.get("class_names"), facts.health.get("class_counts")
    if not isinstance(names, list) or not isinstance(counts, list):
        return []
    pairs = zip(names, counts, strict=False)
    return [(str(name), count) for name, count in pairs if isinstance(count, int)]


def _bars(counts: list[tuple[str, int]]) -> Html:
    largest = max(count for _, count in counts) or 1
    cells = [
        joined(
            [
                el("span", name),
                el("i", style=f"width:{100 * count / largest:.1f}%"),
                el("b", f"{count:,}"),
            ]
        )
        for name, count in counts[:MOST_CLASSES]
    ]
    bars = el("div", *cells, class_="counts")
    more = len(counts) - MOST_CLASSES
    return joined([bars, el("p", f"and {more} more classes", class_="soft")]) if more > 0 else bars
