"""What a user gets wrong ends with message, hint and exit code; defects keep their traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from ganwerk.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    DivergedError,
    GanwerkError,
    MachineError,
    RunError,
)

VERBS = {
    ("train", "pictures"): "ganwerk.training.train.train",
    ("train", "pictures", "--dry-run"): "ganwerk.training.train.plan",
    ("resume", "runs/mine"): "ganwerk.training.train.resume",
    ("sample", "runs/mine"): "ganwerk.sampling.sample.sample",
    ("report", "runs/mine"): "ganwerk.report.write_report",
    ("data", "check", "pictures"): "ganwerk.data.load.scan",
    ("config", "explain", "runs/mine"): "ganwerk.run.Run.open",
    ("demo",): "ganwerk.training.train.train",
}
KINDS = (
    DataError,
    ConfigError,
    RunError,
    CheckpointError,
    MachineError,
    DivergedError,
)


@pytest.mark.parametrize("args", VERBS, ids=" ".join)
def test_every_command_turns_an_error_into_a_message(
    cli: Any, stub: Any, args: tuple[str, ...]
) -> None:
    stub(VERBS[args], MachineError("The disk is full.", "Free some space.\nOr use another."))
    result = cli(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert (
        result.stderr == "error: The disk is full.\nhint: Free some space.\nhint: Or use another.\n"
    )
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes_and_json(cli: Any, stub: Any, kind: type[GanwerkError]) -> None:
    stub("ganwerk.training.train.train", kind("What.", "Do."))
    result = cli("train", "pictures", "--json")
    assert result.exit_code == kind.exit_code
    assert result.stderr == ""
    assert json.loads(result.stdout) == {
        "ok": False,
        "error": "What.",
        "hint": "Do.",
        "code": kind.exit_code,
        "kind": kind.__name__,
    }


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (("trian",), "There is no command 'ganwerk trian'.", "Did you mean 'train'?"),
        (("data", "chekc"), "There is no command 'ganwerk data chekc'.", "Did you mean 'check'?"),
        (("train", "p", "--minuts", "3"), "There is no option '--minuts'.", "'--minutes'"),
        (("train",), "Missing argument 'DATA'.", "See `ganwerk train --help`."),
        (("train", "p", "--fit", "x"), "'x' is not one of 'crop', 'pad'.", "ganwerk train --help"),
        (("train", "p", "--batch", "x"), "'x' is not a valid integer.", "ganwerk train --help"),
        (("train", "p", "--images", "many"), "--images cannot be 'many'.", "200k"),
        (("train", "p", "--minutes", "1", "--epochs", "2"), "--minutes 1 and --epochs 2", "Keep"),
        (("resume", "r", "--minutes", "1", "--images", "2"), "--minutes 1 and --images 2", "Keep"),
        (("resume", "r", "--minutes", "-1"), "--minutes cannot be '-1'.", "above 0"),
        (("sample", "r", "--seeds", "5-2"), "the range 5-2 goes backwards.", "2-5"),
        (("sample", "r", "--at", "soon"), "--at cannot be 'soon'.", "200k"),
        (("sample", "r", "--format", "gif"), "'gif' is not one of", "ganwerk sample --help"),
        (("demo", "--minutes", "x"), "--minutes cannot be 'x'.", "above 0"),
        (("--bogus",), "There is no option '--bogus'.", "ganwerk --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_of_usage(cli: Any, args: tuple[str, ...], message: str, hint: str) -> None:
    result = cli(*args)
    assert result.exit_code == 2
    first, *rest = result.stderr.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert len(rest) == 1
    assert rest[0].startswith("hint: ")
    assert hint in rest[0]
    if args[0] == "demo":  # for people only
        return
    answer = json.loads(cli(*args, "--json").stdout)
    assert answer["ok"] is False
    assert answer["code"] == 2
    assert message in answer["error"]


def test_a_run_that_is_not_there(cli: Any) -> None:
    for args in (("sample", "nowhere"), ("report", "nowhere"), ("resume", "nowhere")):
        result = cli(*args)
        assert result.exit_code == 2
        assert result.stderr.startswith("error: There is no run at nowhere.\nhint: ")


def test_a_defect_keeps_its_traceback(cli: Any, stub: Any) -> None:
    stub("ganwerk.training.train.train", ZeroDivisionError("of ganwerk"))
    assert isinstance(cli("train", "pictures").exception, ZeroDivisionError)


def test_an_interrupt_before_training_is_quiet(cli: Any, stub: Any) -> None:
    stub("ganwerk.training.train.train", KeyboardInterrupt())
    result = cli("train", "pictures")
    assert result.exit_code == 130
    assert result.output.strip() == ""


def test_groups_alone_show_their_help(cli: Any) -> None:
    for args in ((), ("data",), ("config",)):
        result = cli(*args)
        assert result.exit_code == 0
        assert result.stdout == cli(*args, "--help").stdout


BROKEN = """
import sys
from ganwerk.cli.output import say
from ganwerk.cli.streams import lasting
lasting()
for _ in range(3):
    say("somebody there?")
print("went on", file=sys.stderr)
"""


@pytest.mark.skipif(os.name == "nt", reason="pipes break differently there")
def test_a_reader_who_left_does_not_end_the_work() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", BROKEN], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == "went on\n"


APPLES = """
import click
import ganwerk.cli as cli
cli.entry.main = lambda **_: click.echo(chr(0x44F) + chr(0xE9))
cli.main()
"""


def test_letters_that_a_console_lacks_do_not_end_the_work() -> None:
    done = subprocess.run(
        [sys.executable, "-c", APPLES],
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
        capture_output=True,
    )
    assert done.returncode == 0
    assert done.stdout.decode("cp1252").strip() == "\\u044f\u00e9"


@pytest.mark.skipif(os.name == "nt", reason="a current folder cannot be removed there")
def test_a_current_folder_that_was_removed(cli: Any, tmp_path: Any) -> None:
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = cli("sample", str(tmp_path))
    os.chdir(tmp_path)
    assert result.exit_code == 2
    assert "The current folder is not there any more" in result.stderr
    assert "cd " in result.stderr
