"""evaluate and neighbours: what they ask their verbs for, and what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ganwerk.errors import DataError
from ganwerk.evaluation.copies import Copies
from ganwerk.evaluation.evaluate import CheckpointScores, Evaluation
from ganwerk.evaluation.neighbours import Neighbours, Pair
from ganwerk.metrics import copying
from ganwerk.metrics.record import Floor, Protocol, Record

PROTOCOL = Protocol(
    metric="FD", extractor="pixelpca64-v1", weights="ab", reference="cd", split="train",
    n_real=500, n_fake=500, channels=1, resolution=28, resize="none", seed=0,
)  # fmt: skip
FLOOR = Floor(1.0, 0.1, 30)


def record(name: str = "FD[pixelpca64-v1]", value: float = 3.0, z: float = 20.0) -> Record:
    return Record(name, value, 0.25, "lower", PROTOCOL, FLOOR, z)


def copies() -> Copies:
    random = torch.Generator().manual_seed(0)
    sets = [torch.randn(n, 4, generator=random) for n in (80, 40, 60)]
    return Copies("pixelpca64-v1", copying(*sets), tuple(range(60)))


def evaluation(*records: Record, images: int | None = 1000) -> Evaluation:
    found = records or (record(), record("coverage[pixelpca64-v1]", 0.96, -0.5))
    return Evaluation("runs/mine", "pictures (train)", images, found, (copies(),), ("a note",))


def test_a_run_and_what_is_said_of_it(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.evaluation.evaluate.evaluate_run", evaluation())
    Path("runs/mine").mkdir(parents=True)
    result = cli("evaluate", "runs/mine", "--count", "2k", "--at", "best", "--split", "held-out")
    assert result.exit_code == 0, result.output
    ((path, wanted, at), _) = verb.calls[0]
    assert (path, at) == (Path("runs/mine"), "best")
    assert (wanted.count, wanted.split, wanted.features) == (2000, "held-out", ("auto",))
    assert "FD[pixelpca64-v1]" in result.output
    assert "3 ± 0.25" in result.output
    assert "1 ± 0.1" in result.output
    assert "+20.0 !" in result.output
    assert "Told from real pictures beyond doubt (|z| > 4) by: FD[pixelpca64-v1]." in result.output
    assert "copying is sure to be seen only above" in result.output
    assert "note: a note" in result.output
    assert sorted(p.suffix for p in Path("runs/mine/evaluations").iterdir()) == [".json", ".png"]


def test_nothing_found_is_not_called_perfect(cli: Any, stub: Any) -> None:
    stub("ganwerk.evaluation.evaluate.evaluate_run", evaluation(record(z=1.0)))
    Path("runs/mine").mkdir(parents=True)
    result = cli("evaluate", "runs/mine")
    assert "That is as far as these features" in result.output


def test_numbers_for_programs(cli: Any, stub: Any) -> None:
    stub("ganwerk.evaluation.evaluate.evaluate_run", evaluation())
    Path("runs/mine").mkdir(parents=True)
    told = json.loads(cli("evaluate", "runs/mine", "--json").output)
    assert told["ok"]
    assert told["different"] == ["FD[pixelpca64-v1]"]
    assert told["records"][0]["protocol"]["n_fake"] == 500
    assert "power" in told["copies"][0]


def test_the_fid_is_one_more_kind_of_features(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.evaluation.evaluate.evaluate_places", evaluation(images=None))
    result = cli("evaluate", "a", "b", "--fid", "--weights", "w.pth", "--resolution", "64")
    assert result.exit_code == 0, result.output
    ((first, second, wanted), rest) = verb.calls[0]
    assert (first, second, rest["resolution"]) == ("a", "b", 64)
    assert wanted.features == ("auto", "inception-2015")
    assert wanted.wishes.weights_path == Path("w.pth")
    assert not Path("evaluations").exists()


def test_every_checkpoint_with_the_best_marked(cli: Any, stub: Any) -> None:
    found = tuple(evaluation(record(value=v), images=i) for i, v in ((100, 5.0), (200, 3.0)))
    stub(
        "ganwerk.evaluation.evaluate.evaluate_checkpoints",
        CheckpointScores(found, "FD[pixelpca64-v1]", 200),
    )
    Path("runs/mine").mkdir(parents=True)
    result = cli("evaluate", "runs/mine", "--every-checkpoint")
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if "best" in line]
    assert lines[0].split() == ["200", "3", "best"]
    assert "the checkpoint at 200 images" in result.output


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (("a", "b", "--at", "best"), "--at chooses something of a run"),
        (("a", "b", "--every-checkpoint"), "--every-checkpoint chooses something of a run"),
        (("a", "b", "--split", "train"), "--split chooses something of a run"),
        (("runs/mine", "--resolution", "32"), "--resolution is for comparing two places"),
        (("runs/mine", "--data-root", "there"), "--data-root is for comparing two places"),
        (("runs/mine", "--every-checkpoint", "--at", "best"), "--at names one checkpoint"),
    ],
)
def test_what_would_change_nothing_is_refused(
    cli: Any, stub: Any, arguments: tuple[str, ...], refused: str
) -> None:
    verbs = [
        stub(f"ganwerk.evaluation.evaluate.evaluate_{name}", evaluation())
        for name in ("run", "places", "checkpoints")
    ]
    result = cli("evaluate", *arguments)
    assert result.exit_code == 2
    assert refused in result.output
    assert not any(verb.calls for verb in verbs)


def test_neighbours_says_the_pairs(cli: Any, stub: Any) -> None:
    pairs = (Pair(7, "apple/1.png", 0.5, 0.1),)
    verb = stub(
        "ganwerk.evaluation.neighbours.neighbours", Neighbours(pairs, copies(), Path("n.png"))
    )
    result = cli("neighbours", "runs/mine", "--count", "3k", "--pairs", "5", "--force")
    assert result.exit_code == 0, result.output
    rest = verb.calls[0][1]
    assert (rest["count"], rest["pairs"], rest["force"]) == (3000, 5, True)
    assert "picture      7  apple/1.png  closeness 0.10" in result.output


@pytest.mark.parametrize("command", ["evaluate", "neighbours"])
def test_an_error_is_a_sentence_and_a_hint(cli: Any, stub: Any, command: str) -> None:
    name = "evaluate.evaluate_run" if command == "evaluate" else "neighbours.neighbours"
    stub(f"ganwerk.evaluation.{name}", DataError("It is empty.", "Fill it."))
    result = cli(command, "runs/mine")
    assert result.exit_code == 2
    assert "error: It is empty." in result.output
    assert "hint: Fill it." in result.output
    assert cli(command, "runs/mine", "--count", "none").exit_code == 2
