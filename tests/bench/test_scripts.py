"""Each script keeps a record of what it measured; small budgets are enough to see that."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import pytest
from bench.record import Record, read

from bench import power, quality, record, remedies, sampling, task
from ganwerk.training.train import train

SCRIPTS = sorted((record.ROOT / "bench").glob("*.py"))
NO_MEASUREMENT = {"document", "kill_driver", "style_peers"}
"""They write the docs, and play a part of a measurement in a process of their own."""


def calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "main"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found.add(ast.unparse(node.func))
    return found


def test_every_script_keeps_a_record():
    scripts = {path.stem for path in SCRIPTS if "main" in calls(path)}
    keeping = {path.stem for path in SCRIPTS if {"main", "publish", "made"} <= calls(path)}
    assert scripts - keeping == NO_MEASUREMENT


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Runs a script with these words, and gives its records."""

    def go(name: str, *words: str) -> tuple[Record, ...]:
        typed = [name, *words, "--results", str(tmp_path / "results")]
        monkeypatch.setattr(sys, "argv", typed)
        importlib.import_module(f"bench.{name}").main()
        return read(name, tmp_path / "results").records

    return go


def test_metrics(run):
    words = ("--alone", "--rounds", "2", "--count", "60", "--width", "8")
    (found,) = run("metrics", *words)
    assert found.command == "python -m bench.metrics " + " ".join(words)
    assert {row.name for row in found.rows} == {"frechet", "neighbours"}
    spent = found.row("frechet").figures["ours_seconds"]
    assert spent.value > 0
    assert spent.spread is not None


def test_throughput(run, monkeypatch):
    monkeypatch.setattr(task, "NOISE_PICTURES", 40)
    sets = ["network.generator_width=8", "network.discriminator_width=8", "network.max_width=16",
            "budget.batch=4", "run.precision=float32"]  # fmt: skip
    words = [word for value in sets for word in ("--set", value)]
    (found,) = run("throughput", "--only", "dcgan-32", "--rounds", "2", "--seconds", "0.01", *words)
    figures = found.row("dcgan-32").figures
    rates = [figures[f"{who}_images_per_second"].value for who in ("plain", "ganwerk")]
    assert figures["ganwerk_to_plain"].value == pytest.approx(rates[1] / rates[0])


def test_remedies(run, monkeypatch):
    monkeypatch.setattr(remedies, "POINTS", 16)
    words = ("points", "--only", "r1", "--rounds", "1", "--clock", "arithmetic")
    (found,) = run("remedies", *words)
    assert found.study == "points, arithmetic"
    assert found.row("plain").figures["plain_steps"].value == 1
    assert found.row("r1").figures["plain_steps"].value > 1


def test_startup(run):
    (found,) = run("startup", "--only", "help", "--help-calls", "1")
    assert found.row("last").words["imports"] == "none"


def test_sampling(run, tiny, monkeypatch):
    monkeypatch.setattr(sampling, "BATCHES", (4, 8))
    trained = train(tiny(images=16))
    (found,) = run("sampling", str(trained), "--count", "4", "--rounds", "2")
    assert [row.name for row in found.rows] == ["bare", "draw", "npz", "png"]
    assert found.row("bare").figures["of_bare"].value == 1
    assert str(trained.parent) not in found.command


def test_a_training_that_was_stopped_is_not_scored_as_if_it_were_whole(tiny):
    from ganwerk.run import Run

    whole = train(tiny(images=16))
    assert quality.unfinished(whole) == ""
    journal = Run.open(whole).path / "journal.jsonl"
    journal.write_text(journal.read_text("utf-8").replace('"finished"', '"stopped"'), "utf-8")
    assert "16 of 16 images" in quality.unfinished(whole)


def test_power_asks_for_as_many_pictures_as_it_says():
    import numpy as np
    import torch

    pool, labels = torch.randn(30, 4), np.zeros(30, int)
    with pytest.raises(SystemExit, match="4 times 10 reals are needed, there are 30"):
        power.share_told(pool, pool, labels, n=10, missing=0, draws=range(1))
    with pytest.raises(SystemExit, match="5 fakes are needed, 0 are left"):
        power.share_told(pool, pool, labels, n=5, missing=10, draws=range(1))


def test_gpu_where_there_is_no_card(run, monkeypatch, tmp_path):
    """A stage is rehearsed on the processor; what it says of a card nobody knows."""
    from bench import gpu

    monkeypatch.setattr(gpu, "STAGES", {"feeding": gpu.feeding})
    with pytest.raises(SystemExit) as ended:
        run("gpu", "--device", "cpu")
    assert ended.value.code == 0
    (feeding,) = record.read("gpu", tmp_path / "results").records
    assert feeding.row("400 batches").figures["ahead_seconds"].value > 0


def test_gpu_says_that_there_is_no_card(run):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(SystemExit, match="for a machine with a card"):
        run("gpu", "--device", "cuda")


def test_gpu_goes_on_after_a_stage_that_fails(run, monkeypatch, capsys):
    from bench import gpu

    def broken(stage):
        stage.run([sys.executable, "-c", "import sys; sys.exit('no such kernel')"])

    stages = {"broken": broken, "fine": lambda stage: [record.row("fine", seconds=1.0)]}
    monkeypatch.setattr(gpu, "STAGES", stages)
    with pytest.raises(SystemExit) as ended:
        run("gpu", "--device", "cpu", "--stages", "broken,fine")
    assert ended.value.code == 1
    assert "no such kernel" in capsys.readouterr().out
