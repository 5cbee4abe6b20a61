"""Writes docs/wrong.md and the pages in docs/wrong from the table of findings, so that what the
doctor says and what the docs say is one text.

Example: python -m bench.doctor.document
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from bench.doctor.cure import paired, read, table
from ganwerk.doctor.finding import Kind, Times, Treatment
from ganwerk.doctor.table import kinds

DOCS = Path(__file__).resolve().parents[2] / "docs"
CURES = DOCS.parent / "bench" / "results" / "doctor" / "cures.jsonl.gz"
WIDTH = 100
FAMILIES = {
    "pictures": (
        "Pictures and data",
        "Most trainings that fail, fail before the first step. `ganwerk data check FOLDER` looks "
        "at the pictures in seconds and names each file that is wrong; the doctor repeats what "
        "matters for the training.",
    ),
    "variety": (
        "Variety",
        "A generator may draw good pictures and still fail: because they are always the same. In "
        "the field this is called mode collapse. Losses hardly show it: a generator that leaves "
        "out one kind of ten moves the judge's loss by a twentieth, less than its noise. So the "
        "doctor counts, in pictures: how many of your kinds have a drawn one near (coverage), and "
        "how much drawn pictures differ, altogether and within a class.",
    ),
    "balance": (
        "The balance of the two networks",
        "A GAN is a game of a generator, which draws, and a judge (discriminator), which tells "
        "drawn pictures from real ones. The generator learns from the judge alone. A judge that is "
        "always right is no failure by itself: many good trainings have one. It is one when the "
        "pictures have stopped getting better as well.",
    ),
    "dynamics": (
        "Movement: circles, explosions, standstill",
        "Both networks learn from each other at the same time. Such a game may circle, grow beyond "
        "all bounds or stand still.",
    ),
    "drawn": (
        "The pictures that are drawn",
        "Faults that one sees in a single picture: copies, patterns, hard or soft pictures. They "
        "are looked for once the pictures are good enough that it makes sense.",
    ),
    "settings": (
        "Settings and machine",
        "Nothing is wrong with pictures and game, but the run was given the wrong pace or too "
        "little time.",
    ),
}


def pages() -> dict[str, str]:
    """Path under docs to text."""
    found = {"wrong.md": _entry()}
    for name, (title, lead) in FAMILIES.items():
        of_family = [kind for kind in kinds().values() if kind.page == f"wrong/{name}.md"]
        parts = [f"# {title}", _wrapped(lead)]
        if (DOCS / "pictures" / f"wrong-{name}.webp").exists():
            parts.append(f"![What such trainings draw](../pictures/wrong-{name}.webp)")
            parts.append(_wrapped(
                "Trainings of a quarter of a minute at 16 px. Above each: what was done, and what "
                "the doctor found. (`python -m bench.doctor.figures`)"
            ))  # fmt: skip
        parts += [_section(kind) for kind in of_family]
        parts.append("[All that can go wrong](../wrong.md)")
        found[f"wrong/{name}.md"] = "\n\n".join(parts) + "\n"
    return found | {"wrong/treatments.md": _cures()}


def _cures() -> str:
    """The page about treatments, with what was measured."""
    text = (DOCS / "wrong" / "treatments.md").read_text("utf-8")
    before, _, rest = text.partition("<!-- cures -->")
    after = rest.partition("<!-- /cures -->")[2]
    told = table(paired(read(CURES)))
    return f"{before}<!-- cures -->\n{told}\n<!-- /cures -->{after}"


def _entry() -> str:
    lines = [
        "# What can go wrong",
        _wrapped(
            "Losses do not tell whether a GAN works. A healthy one may have a judge that is right "
            "in 98 of 100 cases, and a collapsed one may have losses as in the textbook. So do not "
            "ask the losses: look at the pictures, count how much they differ, and compare with "
            "what your own pictures score. `ganwerk train` has a doctor who does that while it "
            "trains and says in plain words what it found. Of a run that exists:"
        ),
        "```\nganwerk diagnose runs/mine\nganwerk diagnose runs/mine --deep    "
        "# a minute: a fresh judge, copies, where the judge looks\n"
        "ganwerk diagnose --explain GW202\n```",
        _wrapped(
            "It ends with status 1 if something should be done (a finding lasts that is more than "
            "a note) and with 0 if nothing should, for scripts. From Python: "
            "`ganwerk.diagnose(run)`. It is silent where nothing is wrong, and says what it cannot "
            "tell. `--doctor off` leaves it out of a training; `--doctor treat` lets it treat what "
            "it finds: [treatments](wrong/treatments.md)."
        ),
        "## How each failure looks, in any tool",
        _wrapped(
            "Also for those who train elsewhere. Make a grid of the same random inputs every few "
            "minutes and look at it beside real pictures."
        ),
        "| code | what goes wrong | weight | how it looks |\n|---|---|---|---|\n"
        + "\n".join(
            f"| [{k.code}]({k.page}#{_anchor(k)}) | {k.name} | "
            f"{'watch, later ' if k.passes else ''}{k.weight} | {k.looks_like} |"
            for k in kinds().values()
        ),
        "## How the doctor decides",
        _wrapped(
            "Some 25 times in a run it draws up to 384 pictures and compares them with as many of "
            "yours. What your own pictures score against each other, in other draws of the same "
            "number, is the yardstick: a limit is a share of that, and lies beyond what real "
            "pictures score by chance in one of a hundred whole runs. A finding needs a sign in "
            "the pictures, most need one in the game as well, and all need it in two or three of "
            "the last looks, a look less of three where it is far past its limit. It ends after "
            "as many looks without. A run of less than a minute may have no look at all; that it "
            "was too short is said then too. It costs three hundredths of the time, and a "
            "twentieth where that would be fewer than eight looks. Noise is excused in the first "
            "tenth of a run, and in a short run until a quarter; what still rises is no collapse."
        ),
        _wrapped(
            "No progress means that the distance hardly fell over a fifth of the run; or, where "
            "hardly one of your pictures has a drawn one near, that at its pace the rest of the "
            "run does not bring it near. What is gained while a schedule takes the rates away is "
            "calm, and does not end such a finding as long as the pictures are far and the judge "
            "is as it was."
        ),
        _wrapped(
            "The weight of a finding: **act**, the run fails unless something is changed; "
            "**watch**, it may; **note**, worth knowing. Too little variety, "
            "mixed classes and small steps pass by themselves in many a run: they are to be "
            "watched until they have stood for a third of it, three fifths of it are over and they "
            "are not on the mend; then the weight is **act**. The weightiest is said first, and of "
            "equal ones what the training shows before what was known of the pictures. *Sureness* "
            "tells how far past their limits the signs are, from 60 % at the limit; it is no "
            "probability."
        ),
        _wrapped(
            "The scores beside it: *distance*, how far all that is drawn is from your pictures (a "
            "Fréchet distance; 0 is the same); *precision*, the share of the drawn pictures that "
            "lies among yours; *coverage*, the share of yours that has a drawn one near; *recall*, "
            "the share of yours that lies among the drawn. Read each beside what your own pictures "
            "score."
        ),
        _wrapped(
            "Where **many of your pictures are near copies** (frames of a film, a fruit that is "
            "turned step by step), they lie so near to each other that nothing drawn gets between "
            "them: precision and coverage may stay near 0 though the drawings are good. The doctor "
            "knows it by drawn pictures lying much wider apart than yours, and calls them far only "
            "at 25 times the distance that yours have from each other; before the end of a run not "
            "even then, if the distance falls. Look at the grid and at the course of the distance."
        ),
        _wrapped(
            "How often it is right was measured on trainings that were broken on purpose and on "
            "healthy ones, judged by an oracle that the doctor cannot read: "
            "[benchmarks](benchmarks.md)."
        ),
        "## The pages",
        "\n".join(f"- [{title}](wrong/{name}.md)" for name, (title, _) in FAMILIES.items())
        + "\n- [Treatments](wrong/treatments.md): tried while it trains, kept only if they helped",
    ]
    return "\n\n".join(lines) + "\n"


def _anchor(kind: Kind) -> str:
    kept = "".join(c for c in f"{kind.code} {kind.name}".lower() if c.isalnum() or c in " -")
    return kept.replace(" ", "-")


def _section(kind: Kind) -> str:
    parts = [
        f"## {kind.code} {kind.name}",
        _wrapped(kind.means),
        _wrapped(f"**How it looks.** {kind.looks_like}"),
        _wrapped(f"**Why.** {kind.why}"),
        _wrapped(f"**What helps.** {kind.helps}"),
    ]
    if kind.treatments:
        treatments = [f"{i}. {_treatment(t)}" for i, t in enumerate(kind.treatments, 1)]
        parts.append("**Treatments**, in the order in which they are tried:\n\n" + "\n".join(
            _wrapped(text, "   ") for text in treatments))  # fmt: skip
    if kind.lab:
        parts.append(f"**See it happen** in the laboratory: `{kind.lab}`")
    return "\n\n".join(parts)


def _treatment(treatment: Treatment) -> str:
    changes = ", ".join(f"`{key}` {_value(value)}" for key, value in treatment.change.items())
    back = "; begins at the last checkpoint before the harm" if treatment.back else ""
    signal = treatment.signal.replace("_", " ")
    what = f" ({changes})" if changes else ""
    return (
        f"{treatment.words[0].upper()}{treatment.words[1:]}{what}{back}. Kept if {signal} is "
        f"{treatment.better} after {treatment.window_share:.0%} of the run."
    )


def _value(value: object) -> str:
    if isinstance(value, Times):
        return f"× {value.factor:g}"
    if isinstance(value, dict):
        return " ".join(f"{key} {_value(part)}" for key, part in value.items()) or "as advised"
    return "taken away" if value is None else f"{value}"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip


def main() -> None:
    for name, text in pages().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(f"Wrote {path}")


if __name__ == "__main__":
    main()
