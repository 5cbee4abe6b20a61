"""ganwerk lab: what is asked for arrives, mistakes are told before anything is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ganwerk.lab import compare, experiments, verbs
from ganwerk.lab.table import mean_of

RUN = "ganwerk.lab.verbs.run"


def outcome(experiment: Any, request: Any, progress: Any) -> Any:
    facts = {c.fact: mean_of([1.0, 3.0]) for c in experiment.columns}
    return verbs.Outcome(
        experiment.name, request.out, (request.out / "a.png",), experiment.columns,
        {text: facts for text in request.methods},
    )  # fmt: skip


def test_options_become_a_request(cli: Any, stub: Any) -> None:
    verb = stub(RUN, outcome)
    methods = ("--method", "plain", "--method", "loss=hinge+replay")
    numbers = ("--seeds", "7", "--steps", "1k", "--processes", "3")
    result = cli("lab", "ring", "--preset", "best", *methods, *numbers, "--out", "here", "--still")
    assert result.exit_code == 0, result.output
    experiment, request, _ = verb.calls[0][0]
    assert experiment is experiments.RING
    assert request.methods == ("plain", "loss=hinge+replay")
    assert (request.seeds, request.processes, request.out) == (7, 3, Path("here"))
    assert (request.setting.steps, request.moving) == (1000, False)
    assert "hinge + replay" in result.stdout and "2.00 ± 1.00" in result.stdout
    assert "Drawn: here/a.png" in result.stdout


@pytest.mark.parametrize("name", ["line", "dirac", "vanish", "ring", "grid"])
def test_every_experiment_has_sensible_defaults(cli: Any, stub: Any, name: str) -> None:
    verb = stub(RUN, outcome)
    assert cli("lab", name).exit_code == 0
    experiment, request, _ = verb.calls[0][0]
    assert experiment.name == name and request.out == Path(f"runs/lab-{name}")
    verbs.check(experiment, request.setting, request.methods)


def test_json(cli: Any, stub: Any) -> None:
    stub(RUN, outcome)
    result = cli("lab", "dirac", "--json", "--method", "plain")
    answer = json.loads(result.stdout)
    assert answer["ok"] and answer["experiment"] == "dirac"
    assert answer["means"]["plain"]["shrinkage"]["values"] == [1.0, 3.0]


def test_compare(cli: Any, stub: Any) -> None:
    def answer(problems: Any, methods: Any, seeds: Any, out: Any, *rest: Any) -> Any:
        facts = {c.fact: mean_of([2.0]) for c in problems[0].experiment.columns}
        means = {p.name: {m: facts for m in methods} for p in problems}
        return compare.Compared(out, (out / "compare.png",), tuple(problems), means)

    verb = stub("ganwerk.lab.compare.compare", answer)
    result = cli("lab", "compare", "--problem", "grid", "--problem", "ring:best", "--seeds", "2")
    assert result.exit_code == 0, result.output
    problems, methods, seeds, *_ = verb.calls[0][0]
    assert [p.name for p in problems] == ["grid:best", "ring:best"]
    assert seeds == 2 and "plain" in methods
    assert "grid:best" in result.stdout and "compare.png" in result.stdout


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("ring --method unroled", "There is no remedy 'unroled'.", "Did you mean 'unrolled'?"),
        ("ring --method stebs=5", "changes 'stebs'", "Did you mean 'steps'?"),
        ("ring --preset colapse", "no preset 'colapse'", "Did you mean 'collapse'?"),
        ("ring --seeds none", "--seeds cannot be 'none'", "whole number"),
        ("grid --steps -4", "--steps cannot be '-4'", "whole number"),
        ("compare --problem rong", "no problem 'rong'", "Did you mean 'ring'?"),
        ("compare --problem ring:x", "no preset 'x'", "Possible"),
        ("dirac --method packing:size=2+packing:size=3", "", ""),
        ("stacked --data-root nowhere", "nowhere", "Name a folder"),
        ("rign", "no command 'ganwerk lab rign'", "Did you mean 'ring'?"),
    ],
)
def test_mistakes(cli: Any, line: str, message: str, hint: str) -> None:
    result = cli("lab", *line.split())
    assert result.exit_code == 2, result.output
    assert message in result.stderr and hint in result.stderr and result.stdout == ""
    assert list(Path.cwd().iterdir()) == []
