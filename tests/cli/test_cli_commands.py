"""Each command: what it asks its verb for, and what it says about the answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ganwerk.data.health import HealthLine
from ganwerk.run import Run
from ganwerk.runtime.events import Ended, Plan, Planned
from ganwerk.sampling.wanted import Sampled
from ganwerk.values import Progress


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def finishing(request: Any, watch: Any) -> Path:
    run = Path("runs/mine")
    watch(Ended("finished", 1000, 10.0, run))
    return run


def test_train_asks_for_nothing_that_was_not_said(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.training.train.train", finishing)
    result = cli("train", "pictures")
    assert result.exit_code == 0, result.output
    ((request, _), _) = verb.calls[0]
    assert request.where == "pictures"
    assert dict(request.flags) == {}
    assert (request.preset, request.file, request.sets, request.out) == (None, None, (), None)


def test_train_passes_every_option_on_as_typed(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.training.train.train", finishing)
    result = cli(
        *("train", "mnist", "--preset", "listing", "--config", "my.toml", "--out", "runs/mine"),
        *("--images", "1.5M", "--resolution", "32", "--batch", "128", "--unconditional"),
        *("--mirror", "--fit", "pad", "--data-root", "data", "--seed", "3", "--device", "cuda:1"),
        *("--rename-class", "a=b", "--rename-class", "-c=-d"),
        *("--set", "game.loss=hinge", "--set", "latent.dim=32", "--tensorboard"),
    )
    assert result.exit_code == 0, result.output
    ((request, _), _) = verb.calls[0]
    assert dict(request.flags) == {
        "budget.images": (1_500_000, "--images 1.5M"),
        "data.resolution": (32, "--resolution 32"),
        "data.conditional": (False, "--unconditional"),
        "data.rename": (("a=b", "-c=-d"), "--rename-class a=b --rename-class -c=-d"),
        "data.mirror": (True, "--mirror"),
        "data.fit": ("pad", "--fit pad"),
        "data.root": ("data", "--data-root data"),
        "budget.batch": (128, "--batch 128"),
        "run.seed": (3, "--seed 3"),
        "run.device": ("cuda:1", "--device cuda:1"),
        "run.tensorboard": (True, "--tensorboard"),
    }
    assert request.preset == "listing"
    assert request.file == Path("my.toml")
    assert request.sets == ("game.loss=hinge", "latent.dim=32")
    assert request.out == Path("runs/mine")


def test_seed_zero_is_a_seed(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.training.train.train", finishing)
    cli("train", "pictures", "--seed", "0", "--no-mirror", "--conditional")
    assert dict(verb.calls[0][0][0].flags) == {
        "run.seed": (0, "--seed 0"),
        "data.mirror": (False, "--no-mirror"),
        "data.conditional": (True, "--conditional"),
    }


def test_the_settings_of_the_options_exist(cli: Any, stub: Any) -> None:
    from ganwerk.cli.settings import _KEYS
    from ganwerk.config.schema import SECTIONS

    for key, _ in _KEYS.values():
        section, name = key.split(".")
        assert name in SECTIONS[section].model_fields


def test_train_as_json_ends_with_the_run(cli: Any, stub: Any, a_plan: Plan) -> None:
    def train(request: Any, watch: Any) -> Path:
        watch(Planned(a_plan))
        watch(Ended("stopped", 1000, 10.0, Path("runs/mine")))
        return Path("runs/mine")

    stub("ganwerk.training.train.train", train)
    planned, ended, last = objects(cli("train", "pictures", "--json").stdout)
    assert planned["event"] == "planned"
    assert planned["plan"]["total_images"] == 90_000
    assert ended == {
        "event": "ended",
        "reason": "stopped",
        "images": 1000,
        "seconds": 10.0,
        "run": "runs/mine",
    }
    assert last == {"ok": True, "run": "runs/mine", "reason": "stopped"}


def test_a_dry_run_shows_the_plan_once_and_trains_nothing(
    cli: Any, stub: Any, a_plan: Plan
) -> None:
    def plan(request: Any, watch: Any) -> Plan:
        watch(Planned(a_plan))
        return a_plan

    train = stub("ganwerk.training.train.train", finishing)
    stub("ganwerk.training.train.plan", plan)
    result = cli("train", "digits", "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("Plan") == 1
    assert "about 1 min 30 s: 90,000 images" in result.stdout
    (answer,) = objects(cli("train", "digits", "--dry-run", "--json").stdout)
    assert answer["ok"] is True
    assert answer["plan"]["classes"] == list("0123456789")
    assert train.calls == []


def test_resume(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.training.train.resume", Path("runs/mine"))
    assert cli("resume", "runs/mine").exit_code == 0
    result = cli("resume", "runs/mine", "--images", "10k", "--accept-changed-data", "--json")
    assert objects(result.stdout) == [{"ok": True, "run": "runs/mine", "reason": "finished"}]
    (plain_args, plain), (_, more) = verb.calls
    assert plain_args == (Path("runs/mine"),)
    assert (plain["more"], plain["accept_changed_data"]) == (None, False)
    assert (more["more"], more["accept_changed_data"]) == (("images", 10_000), True)


def test_resume_treats_what_it_is_asked_to(cli: Any, stub: Any) -> None:
    resume = stub("ganwerk.training.train.resume", Path("runs/mine"))
    assert cli("resume", "runs/mine", "--treat", "GW203", "--doctor", "treat").exit_code == 0
    ((_, rest),) = resume.calls
    assert (rest["treat"], rest["doctor"]) == ("GW203", "treat")


def test_treatments_tell_what_was_tried(cli: Any, digits_run: Path, tmp_path: Path) -> None:
    path = shutil.copytree(digits_run, tmp_path / "mine")
    assert "No treatment was tried" in cli("treatments", str(path)).output
    begun = {"event": "treatment", "state": "begun", "number": 1, "images": 96, "code": "GW203",
             "from_images": 48, "until_images": 144, "name": "slower", "words": "G learns slower.",
             "changes": ["optimiser.generator_rate: 0.002 -> 0.001"], "signal": "coverage",
             "better": "higher", "before": 0.25}  # fmt: skip
    ended = {"event": "treatment", "state": "undone", "number": 1, "images": 144, "after": 0.2,
             "reason": "not better by more than chance"}  # fmt: skip
    with Run.open(path).journal as journal:
        journal.append(begun)
        told = cli("treatments", str(path)).output
        assert "1  GW203  slower: on trial" in told
        assert "coverage 0.25 before, judged at 144 images" in told
        journal.append(ended)
    told = cli("treatments", str(path)).output.splitlines()
    assert told == [
        "1  GW203  slower: undone",
        "   G learns slower.",
        "   begun at 96 images, from the checkpoint at 48",
        "   optimiser.generator_rate: 0.002 -> 0.001",
        "   coverage 0.25 before, 0.2 after",
        "   not better by more than chance",
    ]
    found = json.loads(cli("treatments", str(path), "--json").output)
    assert found["treatments"][0]["outcome"] == "undone"
    assert found["treatments"][0]["after"] == 0.2
    assert cli("treatments", str(tmp_path)).exit_code == 2


def test_sample(cli: Any, stub: Any) -> None:
    drawn = Sampled(tuple(Path(f"out/seed-{i}.webp") for i in range(5)), 5, 1234.5)
    verb = stub("ganwerk.sampling.sample.sample", drawn)
    result = cli(
        *("sample", "runs/mine", "--seeds", "0-3,9", "--out", "out", "--format", "webp"),
        *("--class", "apple", "--class", "lemon", "--at", "best", "--force", "--grid"),
        *("--truncation", "0.7"),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "5 pictures drawn, 1,234 pictures/s.",
        "  " + str(Path("out/seed-0.webp")),
        "  ...",
        "  " + str(Path("out/seed-4.webp")),
    ]
    args, named = verb.calls[0]
    named.pop("progress")
    assert args == (Path("runs/mine"), (0, 1, 2, 3, 9))
    assert named == {
        "out": Path("out"),
        "image_format": "webp",
        "grid": True,
        "classes": ("apple", "lemon"),
        "truncation": 0.7,
        "at": "best",
        "force": True,
    }


def test_sample_tells_progress_beside_the_result(cli: Any, stub: Any) -> None:
    def sample(*_: Any, progress: Any, **__: Any) -> Sampled:
        progress(Progress("drawing", 64, 128, "pictures"))
        return Sampled((Path("out/samples.npz"),), 128, 9.0)

    stub("ganwerk.sampling.sample.sample", sample)
    result = cli("sample", "runs/mine")
    assert result.stderr == "Drawing: 64 of 128 pictures\n"
    result = cli("sample", "runs/mine", "--json", "--at", "12k")
    assert result.stderr == ""
    assert objects(result.stdout) == [
        {
            "ok": True,
            "run": "runs/mine",
            "count": 128,
            "images_per_second": 9.0,
            "paths": [str(Path("out/samples.npz"))],
            "warnings": [],
        }
    ]


def test_sample_says_what_the_verb_warns_of(cli: Any, stub: Any) -> None:
    drawn = Sampled((Path("out/grid.png"),), 64, 9.0, ("The checkpoint 9 cannot be used.",))
    stub("ganwerk.sampling.sample.sample", drawn)
    assert "warning: The checkpoint 9 cannot be used." in cli("sample", "runs/mine").stdout


def test_report(cli: Any, stub: Any) -> None:
    write = stub("ganwerk.report.write_report", Path("runs/mine/report.html"))
    stub("ganwerk.report.report_facts", {"images": 1000, "speed": float("nan")})
    assert "Open it in a browser" in cli("report", "runs/mine").stdout
    assert write.calls == [((Path("runs/mine"), None), {})]
    (answer,) = objects(cli("report", "runs/mine", "--json").stdout)
    assert answer == {
        "ok": True,
        "run": str(Path("runs/mine")),
        "report": None,
        "facts": {"images": 1000, "speed": None},
    }
    assert len(write.calls) == 1
    (answer,) = objects(cli("report", "runs/mine", "--json", "--out", "r.html").stdout)
    assert answer["report"] == str(Path("runs/mine/report.html"))
    assert write.calls[1] == ((Path("runs/mine"), Path("r.html")), {})


class Health:
    def lines(self) -> list[HealthLine]:
        return [HealthLine("note", "1,797 pictures."), HealthLine("error", "All are black.")]

    def to_dict(self) -> dict[str, Any]:
        return {"found": 1797}


def test_data_check(cli: Any, stub: Any) -> None:
    verb = stub("ganwerk.data.load.scan", Health())
    result = cli("data", "check", "my pictures", "--data-root", "data")
    assert result.stdout.splitlines()[:2] == ["note     1,797 pictures.", "error    All are black."]
    assert "\x1b" not in result.stdout
    assert verb.calls[0][0] == ("my pictures",)
    assert verb.calls[0][1]["root"] == Path("data")
    (answer,) = objects(cli("data", "check", "p", "--json").stdout)
    assert answer["health"] == {"found": 1797}
    assert answer["lines"][1] == {"severity": "error", "text": "All are black."}


def test_severities_have_colours_unless_switched_off(
    cli: Any, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub("ganwerk.data.load.scan", Health())
    assert "\x1b[31merror" in cli("data", "check", "p", color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in cli("data", "check", "p", color=True).stdout


def test_the_demo_finds_a_free_place_and_says_what_is_next(cli: Any, stub: Any) -> None:
    def train(request: Any, watch: Any) -> Path:
        pictures = request.out / "pictures"
        pictures.mkdir(parents=True)
        for images in (0, 6400, 12800):
            (pictures / f"grid-{images:09d}.png").touch()
        watch(Ended("finished", 12800, 90.0, request.out))
        return request.out

    verb = stub("ganwerk.training.train.train", train)
    stub("ganwerk.report.write_report", lambda run, out: run / "report.html")
    stub("ganwerk.doctor.diagnose.diagnose", lambda run: run)
    stub("ganwerk.cli.diagnose.last_word", lambda found: [f"Nothing found in {found}."])
    runs = []
    for _ in range(3):
        result = cli("demo")
        assert result.exit_code == 0, result.output
        runs.append(verb.calls[-1][0][0].out)
    assert runs == [
        Path("runs/demo-digits"),
        Path("runs/demo-digits-2"),
        Path("runs/demo-digits-3"),
    ]
    request = verb.calls[0][0][0]
    assert request.where == "digits"
    assert dict(request.flags) == {}  # the machine decides
    assert str(Path("runs/demo-digits-3/report.html")) in result.stdout
    assert "grid-000012800.png" in result.stdout
    assert "grid-000006400.png" not in result.stdout
    assert "ganwerk sample" in result.stdout
    assert f"Nothing found in {runs[-1]}." in result.stdout
    assert result.stdout.count("ganwerk resume") == 1
