"""How the program is called: with lists of files, addresses, typos, numbers without bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from ganwerk.cli import entry
from ganwerk.cli.options import LocalPath


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
            if name == "style":
                yield (
                    (*path, name),
                    group.get_command(context, name).get_command(  # type: ignore[union-attr]
                        context, "(photo)"
                    ),
                )
        else:
            yield (*path, name), command


COMMANDS = dict(commands(entry))
NUMBERS = ("N", "X", "PX", "PSI", "LIST", "WHEN")
BEYOND = ("nan", "inf", "-1", "1e308", "1e20", "1" + "0" * 400, "1" + "0" * 5000)


def arguments(command: click.Command, value: str = "nowhere") -> list[str]:
    return [value for p in command.params if isinstance(p, click.Argument)]


def options(command: click.Command) -> list[click.Option]:
    return [p for p in command.params if isinstance(p, click.Option)]


def refused(result: Any) -> str:
    """The first line of a clean error."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2, result.output
    first, *hints = result.stderr.splitlines()
    assert first.startswith("error: "), result.stderr
    assert all(line.startswith("hint: ") for line in hints), result.stderr
    assert hints
    assert len(first) < 500
    return str(first)


def test_the_walk_finds_them_all() -> None:
    assert {("train",), ("data", "check"), ("lab", "ring"), ("style",), ("style", "apply")} <= set(
        COMMANDS
    )
    assert len(COMMANDS) >= 25


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_typo_in_an_option_finds_the_option(cli: Any, words: tuple[str, ...]) -> None:
    for option in options(COMMANDS[words]):
        name = max(option.opts, key=len)
        if name.startswith("--") and len(name) > 6:
            result = cli(*words, *arguments(COMMANDS[words]), name[:-2] + name[-1] + name[-2] + "x")
            assert "There is no option" in refused(result)
            assert "Did you mean '--" in result.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_typo_in_a_command_finds_the_command(cli: Any, words: tuple[str, ...]) -> None:
    if words[0] == "style":  # whatever stands there may be a photo
        return
    for word in (words[-1][:-1], words[-1].upper()):
        result = cli(*words[:-1], word)
        assert "There is no command" in refused(result)
        assert f"Did you mean '{words[-1]}'?" in result.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_what_is_too_much_is_said(cli: Any, words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    if any(isinstance(p, click.Argument) and p.nargs == -1 for p in command.params):
        return
    result = cli(*words, *arguments(command), "more", "and more")
    assert "here is more: 'more' and 1 more" in refused(result)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("train",), "ganwerk train 'my fruits'"),
        (("data", "check"), "ganwerk data check 'my fruits'"),
        (("finetune", "runs/mine"), "ganwerk finetune runs/mine 'my fruits'"),
        (("style", "--style", "a.jpg"), "ganwerk style 'my fruits'"),
        (("report",), "Call it once for each RUN."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_list_that_a_shell_made_names_the_folder(
    cli: Any, tmp_path: Path, words: tuple[str, ...], hint: str
) -> None:
    (tmp_path / "my fruits").mkdir()
    files = [f"my fruits/{number}.png" for number in range(3)]
    for file in files:
        (tmp_path / file).touch()
    result = cli(*words, *files)
    assert "here is more: 'my fruits/1.png' and 1 more" in refused(result)
    assert hint in result.stderr


@pytest.mark.parametrize("address", ["https://example.com/a.zip", "S3://bucket/x", "www.a.org/b"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_address_is_no_path(cli: Any, words: tuple[str, ...], address: str) -> None:
    command = COMMANDS[words]
    names = [p.name for p in command.params if isinstance(p, click.Argument)]
    if names and names[0] not in ("name", "preset"):
        style = ("--style", "a.jpg") if words == ("style",) else ()
        result = cli(*words, *arguments(command, address), *style)
        assert f"{address} is an address" in refused(result)
        assert "Download it first" in result.stderr
    for option in options(command):
        if isinstance(option.type, LocalPath):
            result = cli(*words, *arguments(command), option.opts[0], address)
            assert f"{address} is an address" in refused(result)
    assert not any(Path().iterdir())


def test_the_address_of_a_file_is_shortened(cli: Any) -> None:
    for text in (
        "file:///home/me/my.zip",
        "file:/home/me/my.zip",
        "file://localhost/home/me/my.zip",
    ):
        result = cli("train", text)
        refused(result)
        assert "Write just /home/me/my.zip" in result.stderr


NEEDED = {
    ("style",): ("--style", "a.jpg"),
    ("sweep",): ("--vary", "optimiser.generator_rate=log:1e-4..1e-2"),
}
"""Options without which a command does not begin."""
NAMES = ("style_layers", "content_layers")  # of layers, which are no numbers


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_number_is_too_large_for_a_clean_error(cli: Any, words: tuple[str, ...]) -> None:
    """Whatever number an option takes: those beyond all bounds end in one sentence that names the
    option, before anything is made."""
    command = COMMANDS[words]
    for option in options(command):
        if option.metavar not in NUMBERS or option.name in ("methods", *NAMES):
            continue
        flag = option.opts[0]
        for value in BEYOND:
            result = cli(*words, *arguments(command), *NEEDED.get(words, ()), f"{flag}={value}")
            first = refused(result)
            nowhere = "nowhere" in first  # one that is not bounded, like the memory of a disk
            assert re.search(rf"{flag}|{option.name}", first) or nowhere, (flag, value, first)
    assert not any(Path().iterdir())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("columns", ["1", "0", "x", "100000"])
def test_help_fits_every_terminal(
    cli: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    result = cli(*words, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
