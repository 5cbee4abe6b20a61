"""What the doctor found: at the top of the report, with its curves and its pictures."""

from __future__ import annotations

from pathlib import Path

from ganwerk.doctor.diagnose import GALLERY
from ganwerk.doctor.finding import Finding
from ganwerk.doctor.table import kind
from ganwerk.doctor.tried import Tried, tried
from ganwerk.report.facts import Facts, number
from ganwerk.report.gallery import shown_picture
from ganwerk.report.images import open_grid
from ganwerk.report.markup import Html, el, joined
from ganwerk.report.plot import Level, Plot, Series, draw

CLASSES = {"act": "error", "watch": "warning"}
FEWEST = 2
_GALLERY = (1056, 200_000)
_PLOTS = (
    (
        "Kinds and their variety",
        (("coverage", "g"), ("precision", "real"), ("class_variety", "d"), ("variety", "other")),
        "coverage",
        "Shares of what your own pictures score: 1 is as good as they are. Coverage: kinds of your "
        "pictures that are drawn. Precision: drawn pictures that look like yours. Variety: how "
        "much drawn pictures differ, within a class and altogether.",
    ),
    (
        "How sure the judge is",
        (("d_right", "d"), ("overfit", "real")),
        "",
        "How often the judge ranks a real picture that it never saw above a drawn one (0.5 is "
        "guessing), and how far it takes such pictures for drawn ones (0: not at all, 1: wholly).",
    ),
)


def findings_section(facts: Facts) -> Html:
    """Nothing before the first look, if there is nothing to say either."""
    found, gallery = facts.diagnosis, _gallery(facts)
    if not found.looks and not found.lasting and not gallery:
        return Html("")
    parts = [el("h2", "Findings")]
    if found.lasting:
        items = [_item(finding, facts.run.path) for finding in found.lasting]
        parts.append(el("ul", *items, class_="findings"))
    elif found.looks:
        parts.append(el("p", "The doctor looked and found nothing that is wrong.", class_="lead"))
    over = [finding for finding in found.findings if not finding.lasts]
    if over:
        said = "; ".join(
            f"{f.code} {f.name} ({f.since_images:,} to {f.until_images or 0:,} images)"
            for f in over
        )
        parts.append(el("p", f"Over by now: {said}.", class_="soft"))
    treatments = [_treated(one) for one in tried(facts.of("treatment"))]
    if treatments:
        parts.append(el("ul", *treatments, class_="findings"))
    drawn = [draw(plot, f"finding-{i}") for i, plot in enumerate(_plots(facts))]
    if drawn:
        parts.append(el("div", *drawn, class_="plots"))
    parts += gallery
    parts.append(el("p", " ".join((*found.power, *found.gaps)), class_="soft"))
    return joined(parts)


def _item(finding: Finding, run: Path) -> Html:
    known = kind(finding.code)
    since = f" Since {finding.since_images:,} images." if finding.since_images else ""
    small = [
        el("small", text)
        for text in (
            *finding.against,
            f"What helps: {known.helps_with(run)}",
            f"Sureness {finding.sureness:.0%}. More: ganwerk diagnose --explain {finding.code}",
        )
    ]
    return el(
        "li",
        el("b", f"{finding.code} {finding.name}. "),
        finding.text + since,
        *small,
        class_=CLASSES.get(finding.weight),
    )


def _treated(one: Tried) -> Html:
    words = one.words[:1].upper() + one.words[1:].rstrip(".")
    small = [el("small", text) for text in (one.reason, *one.changes) if text]
    told = f"Treatment {one.number} for {one.code}, {one.outcome}"
    return el("li", el("b", f"{told}. "), f"{words}, from {one.images:,} images on.", *small)


def _plots(facts: Facts) -> list[Plot]:
    looks, nulls = facts.of("look"), facts.of("null")
    if len(looks) < FEWEST:
        return []
    plots = []
    for title, lines, share, reading in _PLOTS:
        series = []
        for name, role in lines:
            pairs = [(number(row, "images"), number(row, name)) for row in looks]
            known = [(x, y) for x, y in pairs if x is not None and y is not None]
            if len(known) >= FEWEST:
                floor = _floor(nulls, name) if share else 1.0
                values = [y / floor for _, y in known]
                series.append(
                    Series(name.replace("_", " "), role, [x for x, _ in known], values)
                )  # fmt: skip
        if series:
            level = Level(1.0, "real", "yours") if share else Level(0.5, "d", "guessing")
            plots.append(
                Plot(title, tuple(series), reading, (level,), treated=facts.treated, smooth=False,
                     floor=0.0, ceiling=1.0)
            )  # fmt: skip
    return plots


def _floor(nulls: object, name: str) -> float:
    """What real pictures score; 1 where it is not known."""
    rows = nulls if isinstance(nulls, list) else []
    pair = rows[-1].get(name) if rows else None
    sound = isinstance(pair, list) and pair and isinstance(pair[0], int | float) and pair[0] > 0
    return float(pair[0]) if sound and pair is not None else 1.0


def _gallery(facts: Facts) -> list[Html]:
    """What `ganwerk diagnose --deep` has drawn."""
    parts = []
    for name, words in GALLERY.items():
        path: Path = facts.run.pictures_path / name
        picture = open_grid(path)
        if picture is not None:
            image = shown_picture(picture, _GALLERY, words, see_through=picture.mode == "RGBA")
            parts.append(el("figure", image, el("figcaption", words)))
    return parts
