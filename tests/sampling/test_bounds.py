"""What is held in memory at once is counted before it is drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ganwerk.api import Trained
from ganwerk.errors import MachineError
from ganwerk.runtime import machine, memory
from ganwerk.sampling.sample import Sampler, sample


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 1 MB: enough for the network, not for thousands of pictures."""
    facts = machine.facts
    few = 10**6
    monkeypatch.setattr(
        memory.machine, "facts", lambda d=None: replace(facts(d), free_memory_bytes=few)
    )


@pytest.mark.parametrize("how", [{"grid": True}, {"image_format": "npz"}])
def test_sheets(digits_run, little, tmp_path, how) -> None:
    with pytest.raises(
        MachineError, match=r"10,000 pictures of 16 px take about 5\.1 MB"
    ) as caught:
        sample(digits_run, range(10_000), out=tmp_path / "out", **how)
    assert "no --grid" in caught.value.hint
    assert not (tmp_path / "out").exists()
    assert sample(digits_run, range(8), out=tmp_path / "out", **how).count == 8


def test_from_python(digits_run, little) -> None:
    with pytest.raises(MachineError, match="pictures of 16 px"):
        Trained(digits_run).sample(range(10_000))


@pytest.mark.parametrize("name", ["walk.gif", "walk.png"])
def test_walks(digits_run, little, tmp_path, name) -> None:
    with pytest.raises(MachineError, match=r"pictures of 512 px take about") as caught:
        Trained(digits_run).interpolate([1, 2], tmp_path / name, side_px=512)
    assert "--size 256" in caught.value.hint
    assert not (tmp_path / name).exists()


def test_a_network_that_does_not_fit(digits_run, monkeypatch) -> None:
    facts = machine.facts
    monkeypatch.setattr(machine, "facts", lambda d=None: replace(facts(d), free_memory_bytes=1000))
    with pytest.raises(MachineError, match="The networks would have"):
        Sampler.open(digits_run)
