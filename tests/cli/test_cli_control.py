"""The commands that steer a generator: what they ask their verbs for, and what they say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganwerk.checks import parse_stops
from ganwerk.control.directions import Directions
from ganwerk.control.interpolate import Walked
from ganwerk.control.mix import Mixed
from ganwerk.control.project import Projected
from ganwerk.control.resolve import Drawn
from ganwerk.control.strips import Found
from ganwerk.errors import ConfigError
from ganwerk.runtime.events import Ended


def test_interpolate(cli: Any, stub: Any) -> None:
    verb = stub(
        "ganwerk.control.interpolate.interpolate",
        Walked(Path("walk.webp"), 60, 2.0, ("walk.mp4 cannot be written: no.",)),
    )
    result = cli(
        *("interpolate", "runs/mine", "--seeds", "1,5,1", "--seconds", "2", "--rate", "30"),
        *("--no-loop", "--out", "walk.mp4", "--size", "128", "--class", "lemon"),
        *("--truncation", "0.5", "--at", "best", "--force"),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "warning: walk.mp4 cannot be written: no.",
        "Wrote walk.webp: 60 pictures, 2.0 seconds.",
    ]
    args, named = verb.calls[0]
    named.pop("progress")
    assert args == (Path("runs/mine"), (1, 5, 1))
    assert named == {
        "out": Path("walk.mp4"), "seconds": 2.0, "rate": 30.0, "loop": False, "side_px": 128,
        "classes": ("lemon",), "truncation": 0.5, "at": "best", "force": True,
    }  # fmt: skip


def test_interpolate_as_json(cli: Any, stub: Any) -> None:
    stub("ganwerk.control.interpolate.interpolate", Walked(Path("w.gif"), 60, 2.0))
    result = cli("interpolate", "runs/mine", "--json")
    assert json.loads(result.stdout) == {
        "ok": True, "run": "runs/mine", "path": "w.gif", "frames": 60, "seconds": 2.0,
        "warnings": [],
    }  # fmt: skip


def test_stops_keep_order_and_repetitions() -> None:
    assert parse_stops("1,5-7, a/b.safetensors ,1", "--seeds") == (
        1, 5, 6, 7, Path("a/b.safetensors"), 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no number"),
        ("1,x", "'x' is no number"),
        ("1,photo.jpg", r"'photo\.jpg' is no number, no range and no file"),
        ("9-5", "goes backwards"),
        ("0-20000", "too much"),
        (str(2**63), "too much"),
        ("-3", "'-3' is no number"),
    ],
)
def test_stops_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_stops(text, "--rows")
    assert caught.value.hint
    assert "--rows" in caught.value.message


def test_mix(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.control.mix.mix", Mixed(Path("m.png"), (1, 2)))
    result = cli("mix", "runs/mine", "--rows", "1-2", "--columns", "a.safetensors,7",
                 "--layers", "1-2", "--class", "lemon")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "Wrote m.png: layers 1, 2 from the columns, all others from the rows.\n"
    )
    args, named = verb.calls[0]
    named.pop("progress")
    assert args == (Path("runs/mine"), (1, 2), (Path("a.safetensors"), 7))
    assert named == {
        "layers": "1-2", "out": Path("runs/mine/mix-1-2.png"), "classes": ("lemon",),
        "truncation": 1.0, "at": "latest", "force": False,
    }  # fmt: skip


def test_directions(cli: Any, stub: Any) -> None:
    import torch

    found = Found(
        Directions(torch.eye(2), torch.tensor([0.5, 0.25]), torch.ones(2), (0,), "pca"),
        (Path("d/direction-01.png"), Path("d/direction-02.png")),
        (Path("d/direction-01.safetensors"), Path("d/direction-02.safetensors")),
        Path("d/directions.safetensors"),
        Path("d/directions.json"),
    )
    verb = stub("ganwerk.control.strips.directions", found)
    result = cli(
        "directions", "runs/mine", "--count", "2", "--method", "pca", "--seeds", "7,p.safetensors"
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"  {found.strips[0]}  50.0%",
        f"  {found.strips[1]}  25.0%",
        f"Numbers: {found.numbers}",
    ]
    args, named = verb.calls[0]
    named.pop("progress")
    assert args == (Path("runs/mine"),)
    assert named == {
        "count": 2, "method": "pca", "layers": "all", "strength": 3.0,
        "stops": (7, Path("p.safetensors")),
        "out": Path("runs/mine/directions"), "classes": (), "truncation": 1.0, "at": "latest",
        "force": False,
    }  # fmt: skip
    machine = cli("directions", "runs/mine", "--json")
    assert json.loads(machine.stdout)["importance"] == [0.5, 0.25]


def test_project(cli: Any, stub: Any) -> None:
    found = Projected(
        Path("p/picture.png"), Path("p/residual.png"), Path("p/place.safetensors"),
        Path("p/film.mp4"), 0.05, 0.2, 0.01, 100, 12.0, 0.08, Path("p/tuned"),
        ("cat.jpg has 9 x 9 px",),
    )  # fmt: skip
    verb = stub("ganwerk.control.project.project", found)
    result = cli(
        *("project", "runs/mine", "photos/cat.jpg", "--steps", "100", "--tries", "64"),
        *("--class", "cat", "--no-noise", "--backbone", "vgg16", "--film", ".mp4"),
        *("--tune", "50"),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "warning: cat.jpg has 9 x 9 px",
        "Perceptual distance 0.050; before tuning 0.080; of the best random picture 0.200.",
        "100 steps in 12 seconds.",
        "  p/picture.png",
        "  p/residual.png",
        "  p/place.safetensors",
        "  p/film.mp4",
        "  p/tuned",
    ]
    args, named = verb.calls[0]
    named.pop("progress")
    assert args == (Path("runs/mine"), Path("photos/cat.jpg"))
    assert named == {
        "out": Path("runs/mine/projected/cat"), "steps": 100, "tries": 64, "tune": 50,
        "classes": ("cat",), "own_noise": False, "backbone": "vgg16", "film": ".mp4",
        "at": "latest", "force": False,
        "device": None,
    }  # fmt: skip
    machine = json.loads(cli("project", "r", "a.png", "--json").stdout)
    assert (machine["ok"], machine["place"], machine["tuned"], machine["begun"]) == (
        True, "p/place.safetensors", "p/tuned", 0.2,
    )  # fmt: skip
    verb.answer = replace(found, tuned=None)
    plain = cli("project", "r", "a.png").stdout.splitlines()
    assert plain[1] == "Perceptual distance 0.050; of the best random picture 0.200."
    assert plain[-1] == "  p/film.mp4"


def test_finetune(cli: Any, stub: Any) -> None:
    def finishing(run: Path, request: Any, *, watch: Any, **_: Any) -> Path:
        watch(Ended("finished", 1000, 10.0, Path("runs/cats")))
        return Path("runs/cats")

    verb = stub("ganwerk.training.finetune.finetune", finishing)
    result = cli(
        *("finetune", "runs/fruits", "cats", "--freeze", "3", "--minutes", "5", "--at", "best"),
        *("--unconditional", "--no-mirror", "--set", "game.loss=hinge", "--remedy", "label-noise"),
        *("--out", "runs/cats", "--seed", "4"),
    )
    assert result.exit_code == 0, result.output
    (run, request), named = verb.calls[0]
    named.pop("watch")
    assert (run, named) == (Path("runs/fruits"), {"at": "best", "freeze": 3})
    assert request.where == "cats"
    assert dict(request.flags) == {
        "budget.minutes": (5.0, "--minutes 5"),
        "data.conditional": (False, "--unconditional"),
        "data.mirror": (False, "--no-mirror"),
        "run.seed": (4, "--seed 4"),
    }
    assert (request.sets, request.remedies) == (("game.loss=hinge",), ("label-noise",))
    assert request.out == Path("runs/cats")


def test_finetune_dry_run(cli: Any, stub: Any, a_plan: Any) -> None:
    verb = stub("ganwerk.training.finetune.plan", a_plan)
    result = cli("finetune", "runs/fruits", "cats", "--dry-run", "--json")
    assert json.loads(result.stdout)["plan"]["resolution"] == 16
    assert len(verb.calls) == 1


def test_draw(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.control.resolve.draw", Drawn((Path("a.png"),), ("Old.",)))
    result = cli("draw", "runs/mine", "seed=5&move=1:2", "--at", "best", "--force")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["warning: Old.", "Wrote a.png"]
    args, named = verb.calls[0]
    assert args == (Path("runs/mine"), ("seed=5&move=1:2",))
    assert named == {"out": Path("runs/mine/drawn.png"), "at": "best", "force": True}
