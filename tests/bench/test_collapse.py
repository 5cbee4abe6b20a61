"""The demo's collapse of before: it can be played again, and who is counted how."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.doctor.collapse import Played, command, rows, shown
from click.testing import CliRunner

from ganwerk.cli import entry


def test_the_recipe_of_before_can_still_be_played(tmp_path: Path) -> None:
    asked = command(3, tmp_path / "seed-3", "watch")[3:]
    result = CliRunner().invoke(entry, [*asked, "--dry-run"])
    assert result.exit_code == 0, result.output
    for words in ("non-saturating + r1", "64 pictures per update", "22,500 images"):
        assert words in result.output


def test_who_is_counted_how() -> None:
    played = [
        Played(1, 0.2, ("GW202",)),
        Played(2, 0.4, ()),
        Played(3, 0.9, ()),
        Played(4, 0.5, ("GW203",)),
    ]
    collapsed, others = rows(played)
    assert (collapsed.figures["runs"].value, collapsed.figures["named"].value) == (2, 1)
    assert (others.figures["runs"].value, others.figures["named"].value) == (2, 1)
    assert collapsed.figures["coverage"].value == pytest.approx(0.3)
    assert "| collapsed | 2      | 1     |" in shown([collapsed, others])
