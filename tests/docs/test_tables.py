"""Tables of the docs are those of the records; each figure of the README can be traced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bench.record import FOLDER, read
from bench.tables import LINES, README, TABLES

from bench import document

ROOT = Path(__file__).resolve().parents[2]


def test_tables_are_those_of_the_records():
    for page, text in document.pages().items():
        assert page.read_text("utf-8") == text, f"{page.name} differs: make docs"


def test_every_table_is_shown():
    shown = [
        match["name"]
        for page in document.PAGES
        for match in document.MARKED.finditer((ROOT / page).read_text("utf-8"))
    ]
    assert sorted(shown) == sorted([*TABLES, *LINES, "bench"])


def sections(page: Path) -> dict[str, str]:
    """Anchor of each heading of a page to the text below it."""
    parts = re.split(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in parts[1::2]]
    return dict(zip(anchors, parts[2::2], strict=True))


def files():
    return {path.stem: read(path.stem) for path in FOLDER.glob("*.json")}


def test_the_readme_leads_to_machine_date_and_command_of_every_figure():
    readme = (ROOT / "README.md").read_text("utf-8")
    for (what, *_, link), records in document.readme_lines(files()):
        page, _, anchor = link.partition("#")
        assert records, f"{what}: no figure"
        told = " ".join(sections(ROOT / page)[anchor].split())
        line = next(line for line in readme.splitlines() if line.startswith(f"| {what} |"))
        for record in records:
            source = " ".join(document.source(record).split())
            assert source in told or record.study == "floor", f"{what}: {link}"
            assert f"{record.date}, `{record.command.removeprefix('python -m ')}`" in line
            assert record.machine.kind in " ".join(readme.split())


def test_no_figure_of_the_readme_is_written_by_hand():
    """Apart from what counts things: sides, seeds, modes, steps, and 1 as the base of a ratio."""
    for row in README.rows:
        left = re.sub(document.FIGURE, "", " ".join(row[1:3]))
        assert set(re.findall(r"\d[\d.,]*", left)) <= {"1", "5", "32", "667"}, row


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_shows_all_that_its_columns_name(name):
    """A column whose figure no record has would stay empty for ever."""
    table = TABLES[name]
    known = {
        (record.study, key)
        for record in read(table.file).records
        for row in record.rows
        for key in (*row.figures, *row.words)
    }
    assert [c.key for c in table.columns if (c.study, c.key) not in known] == []


def test_machines_of_several_kinds_stand_side_by_side():
    results = read("throughput")
    first = results.records[0]
    second = first.model_copy(
        update={"machine": first.machine.model_copy(update={"cores": 64}), "note": ""}
    )
    both = results.model_copy(update={"records": (first, second)})
    text = document.tabulated(TABLES["throughput"], {"throughput": both})
    assert text.count("| listing |") == 2
    assert text.index("2 cores") < text.index("64 cores")


def long_lines(page: Path) -> list[str]:
    """Lines of prose above 100 characters: not of tables, of code, or of one unbroken word."""
    found, code = [], False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            code = not code
        elif not code and not line.startswith(("|", "    ", "![")) and len(line) > 100:
            found.append(f"{page.relative_to(ROOT)}:{number}")
    return found


PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_at_most_100_characters(page):
    assert long_lines(page) == []
