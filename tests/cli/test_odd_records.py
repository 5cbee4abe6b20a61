"""A run that somebody edited: whatever stands in its files, each command works or ends in one
sentence."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest
import tomli_w
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.runs import TINY

from ganwerk.cli import entry
from ganwerk.run import index
from ganwerk.training.prepare import Request
from ganwerk.training.train import train

EXAMPLES = int(os.environ.get("ODD_RECORDS", "3"))  # of each file; more when looking for faults
DEEP = "[" * 100_000
ODD = [None, [], {}, "", "x", "1", -1, 0, 1, 0.5, 1e308, -1e308, 10**30, True, [[]], [None], ["a"],
       {"a": None}, [1, 2], "latest", "\x1b[31m", float("nan"), float("inf")]  # fmt: skip
few = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    flags = {key: (value, "") for key, value in (TINY | {"budget.images": 32}).items()}
    return train(Request("digits", flags=flags, out=tmp_path_factory.mktemp("odd") / "run"))


@pytest.fixture(autouse=True)
def no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resume reads all there is to read, and stops short of training."""
    monkeypatch.setattr("ganwerk.training.treat.play", lambda session, *_: session.begun())


COMMANDS = (
    ("sample", "RUN", "--seeds", "0", "--force"),
    ("report", "RUN"),
    ("config", "explain", "RUN"),
    ("resume", "RUN", "--images", "16"),
    ("finetune", "RUN", "digits", "--images", "16", "--dry-run"),
)


def check(made: Path, change) -> None:
    """Each command on a copy of the run with one change."""
    for command in COMMANDS:
        copy = made.with_name("copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(made, copy)
        change(copy)
        result = CliRunner().invoke(entry, [str(copy) if w == "RUN" else w for w in command])
        assert isinstance(result.exception, SystemExit | None), (command, result.exception)
        assert result.exit_code in (0, 2), command
        if result.exit_code:
            assert result.stderr.count("error: ") == 1, result.stderr


def changed(data: st.DataObject, content):
    """`content` with a key taken away, or with something else in its place."""
    place = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return data.draw(st.sampled_from(ODD))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if isinstance(inner, dict | list) and inner and data.draw(st.integers(0, 3)):
            place = inner
            continue
        if data.draw(st.booleans()):
            place[key] = data.draw(st.sampled_from(ODD))
        else:
            del place[key]
        return content


@pytest.mark.parametrize("name", ["about.json", "data.json", "origins.json"])
@few
@given(data=st.data())
def test_json_of_another_shape(made: Path, name: str, data: st.DataObject) -> None:
    content = changed(data, json.loads((made / name).read_text()))
    check(made, lambda run: (run / name).write_text(json.dumps(content)))


@few
@given(data=st.data())
def test_settings_of_another_shape(made: Path, data: st.DataObject) -> None:
    content = changed(data, tomllib.loads((made / "run.toml").read_text()))
    try:
        text = tomli_w.dumps(content)
    except (TypeError, AttributeError):  # TOML has no null
        text = "= [[["
    check(made, lambda run: (run / "run.toml").write_text(text))


@few
@given(data=st.data(), believed=st.booleans())
def test_meta_of_another_shape(made: Path, data: st.DataObject, believed: bool) -> None:
    """believed: with the right checksum, as a stranger could make it."""
    meta = made / "checkpoints" / "000000032" / "meta.json"
    content = changed(data, json.loads(meta.read_text()))
    if believed and isinstance(content, dict):
        content.pop("blake2b", None)
        content["blake2b"] = index._digest(content)
    text = json.dumps(content)
    check(made, lambda run: (run / meta.relative_to(made)).write_text(text))


@few
@given(data=st.data())
def test_journal_rows_of_another_shape(made: Path, data: st.DataObject) -> None:
    rows = [json.loads(line) for line in (made / "journal.jsonl").read_text().splitlines()]
    row = changed(data, data.draw(st.sampled_from(rows)))

    def append(run: Path) -> None:
        with (run / "journal.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    check(made, append)


BROKEN = ["", "null", "[]", '"text"', "7", "{", "\x00", DEEP, '{"a":' * 50_000, "[1e999]"]
FILES = ("about.json", "data.json", "origins.json", "run.toml", "journal.jsonl", "lock",
         "checkpoints/000000032/meta.json")  # fmt: skip


@settings(few, max_examples=2 * EXAMPLES)
@given(name=st.sampled_from(FILES), text=st.sampled_from(BROKEN) | st.binary(max_size=20))
def test_files_that_hold_something_else(made: Path, name: str, text: str | bytes) -> None:
    content = text if isinstance(text, bytes) else text.encode()
    check(made, lambda run: (run / name).write_bytes(content))


@settings(few, max_examples=2 * EXAMPLES)
@given(
    name=st.sampled_from(FILES),
    how=st.sampled_from(["missing", "a folder", "a dangling link"]),
)
def test_files_that_are_not_there(made: Path, name: str, how: str) -> None:
    def take(run: Path) -> None:
        (run / name).unlink()
        if how == "a folder":
            (run / name).mkdir()
        if how == "a dangling link":
            (run / name).symlink_to("nowhere/at/all")

    check(made, take)


@pytest.mark.parametrize(
    "holder", ['{"pid": 99999999999999999999}', '{"pid": 1, "host": null, "started": 5}']
)
def test_a_lock_that_says_odd_things(made: Path, holder: str) -> None:
    check(made, lambda run: (run / "lock").write_text(holder))


def test_settings_that_were_edited_are_told_and_the_trained_ones_drawn(made: Path) -> None:
    def widen(run: Path) -> None:
        text = (run / "run.toml").read_text()
        changed = text.replace("generator_width = 8", "generator_width = 16")
        assert changed != text
        (run / "run.toml").write_text(changed)

    check(made, widen)
    told = CliRunner().invoke(entry, ["sample", str(made.with_name("copy")), "--seeds", "3"])
    assert "network.generator_width: 8 -> 16" in told.output
    assert told.exit_code == 0
