"""Writes the tables of the docs from the records in bench/results: python -m bench.document

A table stands between `<!-- name -->` and `<!-- /name -->`; what is between them is written anew,
the rest of a page is left alone. Below a table stand the command, date, machine and commit of each
record that it shows. Every kind of machine gets a table of its own.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.record import FOLDER, ROOT, Figure, Range, Record, Results, Row, read
from bench.tables import LINES, README, TABLES, Column, Lines, Table

WIDTH = 100
MARKED = re.compile(r"<!-- (?P<name>[\w-]+) -->\n.*?<!-- /(?P=name) -->", re.DOTALL)
FIGURE = re.compile(
    r"\{(?P<file>\w+)/(?P<study>[^/{}]+)/(?P<row>[^/{}]+)/(?P<key>[^/{}:*]+)"
    r"(?:\*(?P<factor>[\d.e+-]+))?:(?P<form>[^{}~]*)(?P<around>~?)\}"
)
"""{file/study/row/figure*factor:format}, or {file/study/row/word:}; with ~
before the brace the spread stands behind it."""
PAGES = (
    "README.md", "docs/page.md", "docs/benchmarks.md", "docs/lab.md", "docs/scale.md",
    "docs/notebook/first-listing.md",
)  # fmt: skip
Files = Mapping[str, Results]


def pages(folder: Path = FOLDER) -> dict[Path, str]:
    """What each page has to hold. Raises KeyError if a page marks a table that nobody knows, or if
    a table names a figure that is not recorded; ValueError if a file of results is damaged."""
    files = {path.stem: read(path.stem, folder) for path in sorted(folder.glob("*.json"))}
    found = {}
    for name in PAGES:
        page = ROOT / name
        found[page] = MARKED.sub(lambda at: _filled(at["name"], files), page.read_text("utf-8"))
    return found


def _filled(name: str, files: Files) -> str:
    if name == "bench":
        text = readme(files)
    elif name in TABLES:
        text = tabulated(TABLES[name], files)
    else:
        text = listed(LINES[name], files)
    return f"<!-- {name} -->\n{text}\n<!-- /{name} -->"


# Tables of records ----------------------------------------------------------------------------


def tabulated(table: Table, files: Files) -> str:
    """The table for each kind of machine, with the records that it shows below it."""
    parts = []
    records = files[table.file].records
    for kind in dict.fromkeys(r.machine.kind for r in records if r.study in table.studies):
        by_study = {r.study: r for r in records if r.machine.kind == kind}
        used = [by_study[study] for study in table.studies if study in by_study]
        names = dict.fromkeys(row.name for record in used for row in record.rows)
        lines = [
            [table.names.get(name, name), *(_cell(by_study, name, c) for c in table.columns)]
            for name in names
            if name not in table.without
        ]
        head = [table.first, *(column.head for column in table.columns)]
        parts += [markdown(head, lines), *map(source, used)]
    return "\n\n".join(parts)


def _cell(by_study: Mapping[str, Record], name: str, column: Column) -> str:
    record = by_study.get(column.study)
    rows: dict[str, Row] = {} if record is None else {row.name: row for row in record.rows}
    if name not in rows:
        return ""
    row = rows[name]
    if column.key in row.words:
        return row.words[column.key]
    if column.key not in row.figures:
        return ""
    return told(row.figures[column.key], column.form, column.factor, around=True)


def told(figure: Figure, form: str, factor: float = 1.0, *, around: bool) -> str:
    """The figure in words, with its spread if asked for."""
    text = f"{figure.value * factor:{form}}"
    spread = figure.spread
    if spread is None or not around or _single(spread):
        return text
    if isinstance(spread, Range):
        return f"{text} ({spread.low * factor:{form}} to {spread.high * factor:{form}})"
    return f"{text} ± {spread.size * factor:{form}}"


def _single(spread: object) -> bool:
    """Whether it is that of one measurement alone, which says nothing."""
    return isinstance(spread, Range) and spread.low == spread.high


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [("| " + " | ".join(line) + " |").replace("|  |", "| |") for line in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def source(record: Record) -> str:
    """Command, date, machine and commit of a record, and what else it depends on."""
    told_by = f"commit {record.commit}" if record.commit else "no commit"
    if record.origin != "measured":
        told_by = f"carried over from the text of {told_by}"
    load = record.machine.load
    busy = "" if load is None else f", load {load:g}"
    words = [
        f"`{record.command}`: {record.date}, {record.machine.kind}{busy}, torch "
        f"{record.versions.torch}; {told_by}.",
        *([f"{record.note[0].upper()}{record.note[1:]}."] if record.note else []),
    ]
    return wrapped(" ".join(words))


def wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


# Lines that quote figures ---------------------------------------------------------------------


@dataclass
class Quotes:
    """Fills figures into text and remembers the records that they are of."""

    files: Files
    used: list[Record] = field(default_factory=list)

    def fill(self, text: str) -> str:
        return FIGURE.sub(self._figure, text)

    def _figure(self, at: re.Match[str]) -> str:
        record = self.files[at["file"]].of(at["study"])[0]
        if record not in self.used:
            self.used.append(record)
        row = record.row(at["row"])
        if at["key"] in row.words:
            return row.words[at["key"]]
        factor = float(at["factor"] or 1)
        return told(row.figures[at["key"]], at["form"], factor, around=bool(at["around"]))


def listed(lines: Lines, files: Files) -> str:
    """A table of sentences with figures, and the records they are of."""
    quotes = Quotes(files)
    rows = [[quotes.fill(cell) for cell in line] for line in lines.rows]
    return "\n\n".join([markdown(list(lines.head), rows), *map(source, quotes.used)])


def readme(files: Files) -> str:
    """The README's table: each line names the commands, dates and machines of its figures."""
    rows, letters = [], dict[str, str]()
    for line, records in readme_lines(files):
        for record in records:
            letters.setdefault(record.machine.kind, chr(ord("A") + len(letters)))
        by = [
            f"{letters[r.machine.kind]}, {r.date}, `{r.command.removeprefix('python -m ')}`"
            for r in records
        ]
        rows.append([*line[:3], f"[how]({line[3]}): {'; '.join(by)}"])
    head = ["", "plain PyTorch, as tutorials write it", "ganwerk", "measured"]
    kinds = [f"{letter}: {kind}." for kind, letter in letters.items()]
    return "\n\n".join([
        "## Measured", markdown(head, rows), wrapped(" ".join([*kinds, README.below])),
        README.picture,
    ])  # fmt: skip


def readme_lines(files: Files) -> Iterator[tuple[tuple[str, str, str, str], list[Record]]]:
    """The cells of each line (the fourth links to its section), and its records."""
    for what, plain, ours, section in README.rows:
        quotes = Quotes(files)
        yield (quotes.fill(what), quotes.fill(plain), quotes.fill(ours), section), quotes.used


def main() -> None:
    for page, text in pages().items():
        if text != page.read_text("utf-8"):
            page.write_text(text, "utf-8")
            print(f"Wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
