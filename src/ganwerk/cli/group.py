"""Groups of commands: loaded when called, with one form for all errors."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from os.path import commonpath, dirname, exists
from typing import Any

import click

from ganwerk.checks import shown
from ganwerk.cli.output import show_error
from ganwerk.errors import FollowedError, GanwerkError, MachineError, did_you_mean, typed
from ganwerk.scale.launch import following

_ENDLESS = re.compile(r"\S{80,}")


def _called(context: click.Context) -> str:
    """The words that call a command; one that a group stands for has none of its own."""
    return " ".join(context.command_path.split())


class UsageError(GanwerkError):
    """The command line cannot be understood."""


TAKES_FOLDERS = ("data", "path", "what", "other", "photo")
"""Arguments that may be a folder of pictures."""


class Command(click.Command):
    """Says what to do with a shell's list of files where one folder is meant."""

    allow_extra_args = True  # they are refused below, by name

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        if ctx.args and not ctx.resilient_parsing:
            raise self._too_many(ctx)
        return rest

    def _too_many(self, ctx: click.Context) -> UsageError:
        arguments = [p for p in self.params if isinstance(p, click.Argument)]
        wanted = " ".join(str(p.name).upper() for p in arguments) or "no argument"
        first = shown(ctx.args[0])
        more = f" and {len(ctx.args) - 1:,} more" if len(ctx.args) > 1 else ""
        last = arguments[-1] if arguments else None
        hint = f"See `{_called(ctx)} --help`."
        if last is not None and exists(ctx.args[-1]):
            hint = f"Call it once for each {str(last.name).upper()}."
            if last.name in TAKES_FOLDERS:
                folder = commonpath([dirname(path) or "." for path in ctx.args])
                before = [typed(str(ctx.params[str(p.name)])) for p in arguments[:-1]]
                command = " ".join((_called(ctx), *before, typed(folder)))
                hint = f"A shell makes * a list of files. Name their folder: {command}"
        return UsageError(
            f"`{_called(ctx)}` takes {wanted}, and here is more: '{first}'{more}.", hint
        )


class Group(click.Group):
    """Shows its help when called alone; an unknown command gets a 'did you mean'."""

    command_class = Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise UsageError(
                f"There is no command '{ctx.command_path} {args[0]}'.",
                did_you_mean(args[0], names),
            )
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """A group that knows its commands by a table: name -> ('module:attribute', one-line help).

    click's own lazy group imports every command to list them; this one reads the table.
    """

    def __init__(
        self, name: str, *, commands_by_name: Mapping[str, tuple[str, str]], **rest: Any
    ) -> None:
        super().__init__(name, **rest)
        self._table = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self._table.items()])


class Entry(LazyGroup):
    """The outermost group: turns what a user can cause into a message and an exit code.

    0 done, 1 the training diverged, 2 a mistake of the user or the machine's limits, 130 Ctrl-C.
    Any other exception is a defect of ganwerk and keeps its traceback.
    """

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *,
        standalone_mode: bool = True,
        **rest: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **rest)
        if os.environ.get("NO_COLOR"):
            rest.setdefault("color", False)
        as_json = "--json" in (sys.argv[1:] if args is None else args)
        try:
            _refuse_removed_folder()
            code = super().main(args, prog_name, standalone_mode=False, **rest)
        except GanwerkError as error:
            _tell(error, as_json=as_json)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _tell(_in_our_words(error), as_json=as_json)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(130)
        sys.exit(code if isinstance(code, int) else 0)


def _tell(error: GanwerkError, *, as_json: bool) -> None:
    """Of several processes one tells what all have met; each what it has met alone."""
    own = isinstance(error, MachineError) and not isinstance(error, FollowedError)
    if own or not following():
        show_error(error, as_json=as_json)


def _refuse_removed_folder() -> None:
    """Libraries below end the process, with words of their own, where no path can be made absolute.

    Raises MachineError."""
    try:
        os.getcwd()
    except OSError as error:
        raise MachineError(
            f"The current folder is not there any more: {error.strerror or error}.",
            "Go to one that is: cd ~",
        ) from error


def _in_our_words(error: click.ClickException) -> UsageError:
    """A mistake in the use of the command line, with a hint."""
    if isinstance(error, click.NoSuchOption):
        near = error.possibilities
        message = f"There is no option '{error.option_name}'."
        hint = f"Did you mean '{near[0]}'?" if near else ""
    else:
        message, hint = _ENDLESS.sub(lambda word: shown(word[0]), error.format_message()), ""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context and not hint:
        hint = f"See `{_called(context)} --help`."
    return UsageError(message, hint)


def version_option(version: str) -> click.Option:
    """--version."""

    def show(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            click.echo(f"ganwerk {version}")
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the version and exit.",
    )
