"""Names of strangers: no text, control sequences, line breaks. Shown safely wherever they go."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import Painter, zipped

from ganwerk.data import load_pictures
from ganwerk.data.pictures import fingerprint_of
from ganwerk.errors import DataError, escaped, printable
from ganwerk.report.markup import el
from ganwerk.run.files import to_json

BUDGET = 1 << 26
HOSTILE = [
    b"caf\xe9", b"\x1b]0;pwned\x07", b"\x1b[2J", b"a\nerror: b", b"tab\there", b"\xc2\x9b31m",
    "\u202egnp".encode(), b"<script>alert(1)", b'"quoted\'', b"back\\slash", b"\xff\xfe",
]  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE)
def test_hostile_names_are_read_and_shown_safely(
    tmp_path: Path, paint: Painter, raw: bytes
) -> None:
    name = os.fsdecode(raw)
    paint(tmp_path / "p" / "plain", 10)
    paint(tmp_path / "p" / name, 10, first=10)
    (tmp_path / "p" / name / f"{name}.png".replace("/", "")).write_bytes(b"none")
    found = load_pictures(tmp_path / "p", memory_budget_bytes=BUDGET)
    assert set(found.class_names) == {"plain", escaped(name)}
    texts = [line.text for line in found.health.lines()] + list(found.names)
    assert all(text.isprintable() for text in texts)
    assert any(escaped(name) in text for text in texts)
    # As a record, and back.
    assert json.loads(to_json(found.files)) == found.files
    assert fingerprint_of("folder", json.loads(to_json(found.files))) == found.fingerprint
    html = el("p", *texts)
    assert "<script>" not in html
    assert html.encode()


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1))
def test_shown_names_are_one_line_and_different(text: str) -> None:
    assert printable(printable(text)) == printable(text)
    line = escaped(text)
    assert len(line.splitlines()) == 1
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in line)
    line.encode()


@given(st.lists(st.text("\\ntx1b\n\t\x1b\udce9é", min_size=1), unique=True, max_size=30))
def test_two_names_are_never_shown_alike(names: list[str]) -> None:
    assert len(set(map(escaped, names))) == len(names)


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("Äpfel", "写真", "👩‍🍳.png", "a b\u00a0c", "مرحبا", "e\u0301"):
        assert escaped(name) == printable(name) == name


def test_errors_cannot_carry_control_sequences() -> None:
    error = DataError("\x1b[2J does not exist.", "Did you mean '\x07'?\nOr not?")
    assert str(error) == "\\x1b[2J does not exist.\nDid you mean '\\x07'?\nOr not?"
    assert error.args == (error.message,)


def test_zip_entries_with_hostile_names(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "p" / "a", 10)
    paint(tmp_path / "p" / "b\x1b]0;x\x07\n", 10, first=10)
    found = load_pictures(zipped(tmp_path / "p.zip", tmp_path / "p"), memory_budget_bytes=BUDGET)
    assert found.class_names == ("a", "b\\x1b]0;x\\x07\\n")
    assert all(line.text.isprintable() for line in found.health.lines())
