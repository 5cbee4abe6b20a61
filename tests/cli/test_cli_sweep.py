from __future__ import annotations

import json

import pytest
from tests.runs import TINY

TRAIN = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
SMALL = ["--vary", "latent.dim=4..9", "--trials", "2", "--images", "64", *TRAIN]


def test_a_sweep_on_the_command_line(cli):
    done = cli("sweep", "digits", *SMALL)
    assert done.exit_code == 0, done.output
    for said in (
        "Trial 1 of 2 begins: latent.dim ", "Trial 2 of 2: score ", "latent.dim  score",
        "real pictures score", "Drawn: sweeps/digits/sweep.png", "The best run: ",
    ):  # fmt: skip
        assert said in done.stdout
    again = cli("sweep", "sweeps/digits", "--json")
    assert again.exit_code == 0
    found = json.loads(again.stdout)
    assert found["ok"] is True
    assert {trial["state"] for trial in found["trials"]} == {"complete"}
    assert found["best"] == found["trials"][0]["trial"]
    refused = cli("sweep", "sweeps/digits", "--trials", "9")
    assert refused.exit_code == 2
    assert "Join it without options: ganwerk sweep sweeps/digits" in refused.stderr


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        ([], "varies at least one setting", "--vary remedy.r1.weight"),
        (["--vary", "latent.dimm=4..9"], "no setting 'latent.dimm'", "Did you mean 'latent.dim'?"),
        (["--vary", "latent.dim=4..9", "--trials", "0"], "--trials cannot be 0", "whole number"),
        (["--vary", "latent.dim=4..9", "--seeds", "x"], "--seeds cannot be 'x'", "--seeds 0-63"),
        (["--vary", "latent.dim=4..9", "--seed", "1", "--seeds", "2"], "two answers", "Keep one"),
        (["--vary", "latent.dim=4..9", "--config", "no.toml"], "no.toml cannot be read", "TOML"),
    ],
)
def test_what_is_refused_before_anything_is_made(cli, tmp_path, given, said, hint):
    done = cli("sweep", "digits", *given)
    assert done.exit_code == 2
    assert said in done.stderr
    assert hint in done.stderr
    assert not (tmp_path / "sweeps").exists()
