"""Records of measurements: what is written is read, what is wrong is refused."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from bench.common import Spread, ratio_of, spread
from bench.record import (
    Deviation,
    Figure,
    Machine,
    Range,
    Record,
    Results,
    Row,
    Versions,
    keep,
    read,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import record

HERE = Machine(
    processor="a processor", instruction_sets=("avx2",), cores=2, threads=2, load=0.5
)  # fmt: skip
THERE = HERE.model_copy(update={"instruction_sets": ("avx2", "avx512")})
VERSIONS = Versions(python="3.11", torch="2.15", ganwerk="0.1.0")


def some(study: str = "speed", machine: Machine = HERE, value: float = 1.5, **changes) -> Record:
    values = {
        "study": study,
        "command": "python -m bench.thing --rounds 2",
        "date": date(2026, 11, 29),
        "commit": "0123abc",
        "origin": "measured",
        "machine": machine,
        "versions": VERSIONS,
        "rows": (record.row("row", ms=value),),
    }
    return Record.model_validate(values | changes)


numbers = st.floats(allow_nan=False, allow_infinity=False)
spreads = (
    st.none()
    | st.tuples(numbers, numbers).map(
        lambda p: Range(kind="quartiles", low=min(p), high=max(p))
    )
    | st.floats(0, 1e300).map(lambda s: Deviation(kind="standard error", size=s))
)  # fmt: skip
rows = st.lists(
    st.builds(
        Row,
        name=st.text(min_size=1),
        figures=st.dictionaries(
            st.text(min_size=1), st.builds(Figure, value=numbers, spread=spreads), min_size=1
        ),
    ),
    min_size=1,
    unique_by=lambda row: row.name,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("results")


@settings(max_examples=30)
@given(rows)
def test_what_is_kept_is_read_to_the_last_digit(folder, found):
    kept = some(rows=tuple(found))
    keep("thing", kept, folder)
    assert read("thing", folder).records == (kept,)


def test_a_second_measurement_replaces_the_first_of_its_machine_alone(tmp_path: Path):
    for record_ in (
        some(value=1), some(machine=THERE, value=2), some("other", value=3), some(value=4)
    ):  # fmt: skip
        keep("thing", record_, tmp_path)
    found = read("thing", tmp_path)
    values = [(r.study, r.machine.kind, r.row("row").figures["ms"].value) for r in found.records]
    assert values == [("speed", HERE.kind, 4), ("speed", THERE.kind, 2), ("other", HERE.kind, 3)]
    assert [r.machine for r in found.of("speed")] == [HERE, THERE]
    assert list(tmp_path.iterdir()) == [tmp_path / "thing.json"]


@pytest.mark.parametrize(
    "changes",
    [
        {"instruction_sets": ()},
        {"cores": 4},
        {"threads": 1},
        {"device": "a card"},
        {"limits": {"ONEDNN_MAX_CPU_ISA": "SSE41"}},
        {"processor": "another"},
    ],
)
def test_kinds_of_machine_are_told_apart(changes):
    assert HERE.model_copy(update=changes).kind != HERE.kind
    assert HERE.model_copy(update={"load": 7.0}).kind == HERE.kind


BAD = {
    "command": "rm -r runs",
    "commit": "main",
    "date": "yesterday",
    "origin": "guessed",
    "rows": (),
}


@pytest.mark.parametrize("field", BAD)
def test_records_that_tell_too_little_are_refused(field):
    with pytest.raises(ValueError, match=field):
        some(**{field: BAD[field]})


def test_what_is_carried_over_names_its_commit():
    with pytest.raises(ValueError, match="names the commit"):
        some(origin="carried over from the text", commit=None)


def test_rows_have_names_and_content():
    with pytest.raises(ValueError, match="same name: row"):
        some(rows=(record.row("row", a=1), record.row("row", a=2)))
    with pytest.raises(ValueError, match="'row' is empty"):
        record.row("row")
    with pytest.raises(ValueError, match="at once: a"):
        record.row("row", {"a": "word"}, a=1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1", True, None])
def test_figures_are_finite_numbers(value):
    with pytest.raises((TypeError, ValueError)):
        record.row("row", a=value)


def test_a_range_is_ordered():
    with pytest.raises(ValueError, match=r"low 2.0 is above high 1.0"):
        Range(kind="quartiles", low=2, high=1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "EOF"),
        ("[]", "object"),
        ('{"name": "other", "records": []}', "of 'other'"),
        ('{"name": "thing", "records": [], "more": 1}', "more"),
    ],
)
def test_damaged_files_are_named_and_left_alone(tmp_path: Path, text: str, told: str):
    path = tmp_path / "thing.json"
    path.write_text(text)
    for work in (lambda: read("thing", tmp_path), lambda: keep("thing", some(), tmp_path)):
        with pytest.raises(ValueError, match=told) as error:
            work()
        assert str(path) in str(error.value)
    assert path.read_text() == text


def test_one_record_for_a_kind_of_machine():
    with pytest.raises(ValueError, match="twice for one kind"):
        Results(name="thing", records=(some(), some(value=2)))


def test_the_command_tells_no_places_of_this_machine():
    typed = [
        "speed",
        "--json",
        "out.json",
        "--data",
        "here",
        "--peers",
        "/home/me/peers",
        "--results=r",
        "--rounds",
        "2",
    ]
    assert record.command("style", typed) == "python -m bench.style speed --peers peers --rounds 2"


def test_this_machine(monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    monkeypatch.setattr(record, "_flags", lambda: {"avx2", "avx512f", "sse4_1"})
    found = record.machine("cpu")
    assert found.instruction_sets == ("avx2", "avx512")
    assert found.limits == {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    assert found.kind.endswith("ONEDNN_MAX_CPU_ISA=AVX2")
    assert Machine.model_validate_json(found.model_dump_json()) == found


def test_a_spread_becomes_a_figure():
    assert record.as_figure(spread([1, 2, 3, 4, 5])) == Figure(
        value=3, spread=Range(kind="quartiles", low=2, high=4)
    )
    assert record.as_figure(spread([1, 5])) == Figure(
        value=3, spread=Range(kind="extremes", low=1, high=5)
    )


def test_a_ratio_is_that_of_the_medians():
    found = ratio_of([10, 20, 30, 90], [5, 10, 10, 10])
    assert found.median == 2.5
    assert (found.low, found.high) == (2, 4.5)
    assert found.scaled(100, -100) == Spread(150, 100, 350)


def test_every_file_of_results_is_of_a_script():
    files = sorted(path for path in record.FOLDER.glob("*") if path.is_file())
    bench = record.ROOT / "bench"
    scripts = {p.stem for p in bench.glob("*.py")} | {
        p.parent.name for p in bench.glob("*/__main__.py")
    }
    assert [p for p in files if p.stem not in scripts] == []
    for path in files:
        found = read(path.stem)
        assert path.read_text("utf-8") == record._text(found), path
        for each in found.records:
            assert each.command.split()[2] == f"bench.{path.stem}"
        json.loads(path.read_text("utf-8"))
