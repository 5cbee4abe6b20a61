"""docs/cli.md is what the programs say."""

from __future__ import annotations

import pytest

from ganwerk.cli import COMMANDS
from ganwerk.cli.document import PAGE, contexts, page
from ganwerk.cli.group import LazyGroup


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m ganwerk.cli.document"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name: str) -> None:
    from ganwerk.cli import entry

    assert isinstance(entry, LazyGroup)
    command = entry.get_command(next(contexts(entry, "ganwerk", None)), name)
    assert command is not None
    for context in contexts(command, name, None):
        assert "Example" in context.get_help(), context.command_path
        for parameter in context.command.params:
            described = parameter.param_type_name == "argument" or getattr(parameter, "help", "")
            assert described, f"{context.command_path} {parameter.name}"
