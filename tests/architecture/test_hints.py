"""Commands in hints can be pasted: each place in them goes through `errors.typed`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "ganwerk"
COMMAND = re.compile(r"\bganwerk (train|resume|sample|report|evaluate|neighbours|finetune|project"
                     r"|interpolate|mix|directions|style|data check|config explain)\b")  # fmt: skip
NO_PLACES = {
    "given[0]",  # an option, as typed
    "kind", "minutes", "preset", "first", "last", "flag",  # words and numbers
}  # fmt: skip


def begins_with_typed(value: ast.expr) -> bool:
    named = any(isinstance(node, ast.Name) and node.id == "typed" for node in ast.walk(value))
    return named and ast.unparse(value).startswith("typed(")  # the text alone takes its time


def places_in(tree: ast.Module):
    """What is written behind the name of a command, unless it was made by `typed`."""
    made = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and begins_with_typed(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        behind = False
        for part in node.values:
            if isinstance(part, ast.Constant):
                behind = behind or bool(COMMAND.search(part.value))
                # A command ends with its line or its quotation
                behind = behind and not re.search(r"[\n`)]|\. ", part.value.split("ganwerk ")[-1])
            elif behind and isinstance(part, ast.FormattedValue):
                said = ast.unparse(part.value)
                if not said.startswith("typed(") and said not in made | NO_PLACES:
                    yield f"line {part.lineno}: {said}"


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: p.stem)
def test_places_in_commands_are_made_to_be_pasted(path):
    assert list(places_in(ast.parse(path.read_text("utf-8")))) == []


def test_the_rule_sees_a_raw_path():
    tree = ast.parse('hint = f"Go on: ganwerk resume {run.path} --minutes 3"')
    assert list(places_in(tree)) == ["line 1: run.path"]
