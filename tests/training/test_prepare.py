"""What follows from the speed and the memory of the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ganwerk.config import auto, load
from ganwerk.errors import MachineError
from ganwerk.training import prepare, probe
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape

FACTS = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)
DATA = DataFacts(60_000, PictureShape(28, 1), (), (), False, "digits")
PLAIN = probe.Probed({}, 500.0, 1 << 20)
RICH = replace(PLAIN, images_per_second=400.0, memory_bytes=2 << 20)


@pytest.fixture
def draft():
    made = load.collect()
    made.give("data.where", "x", Origin("asked for"))
    auto.decide(made, DATA, FACTS)
    return made


def measuring(monkeypatch, rich):
    """The machine is measured so, with and without D's hidden layer."""

    def measure(settings, *_):
        found = rich if settings.network.discriminator_features else PLAIN
        if isinstance(found, MachineError):
            raise found
        return found

    monkeypatch.setattr(probe, "probe", measure)


def test_an_automatic_budget_is_that_of_the_richer_networks(draft, monkeypatch):
    measuring(monkeypatch, RICH)
    settings, probed = prepare.measured(draft, 0, 60_000, FACTS)
    assert probed == RICH
    assert settings.network.discriminator_features == 256
    assert settings.budget.minutes == pytest.approx(200_000 / 400 / 60, abs=0.05)


@pytest.mark.parametrize(
    "rich",
    [MachineError("Too large.", "Smaller."), replace(RICH, micro=8)],
    ids=["no", "in pieces"],
)
def test_what_the_memory_does_not_hold_well_stays_as_it_was(draft, monkeypatch, rich):
    measuring(monkeypatch, rich)
    settings, probed = prepare.measured(draft, 0, 60_000, FACTS)
    assert probed == PLAIN
    assert settings.network.discriminator_features == 0
    assert settings.budget.minutes == pytest.approx(200_000 / 500 / 60, abs=0.05)
    assert auto.HIDDEN not in draft.origins


def test_runs_that_are_to_be_compared_have_the_same_networks(draft, monkeypatch):
    measuring(monkeypatch, RICH)
    settings, _ = prepare.measured(draft, 0, 0, FACTS)
    assert settings.network.discriminator_features == 0
