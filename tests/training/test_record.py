from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from ganwerk.errors import DivergedError
from ganwerk.game.losses import LOSSES
from ganwerk.training.record import Recorder, check_weights


def report_of(d=1.0, g=2.0, real=(1.0, 2.0), fake=(-1.0, 0.5), penalties=()):
    played = SimpleNamespace(real_logits=torch.tensor(real), fake_logits=torch.tensor(fake))
    return SimpleNamespace(
        played=played,
        d_loss=torch.tensor(d),
        g_loss=torch.tensor(g),
        penalties={k: torch.tensor(v) for k, v in dict(penalties).items()},
    )


def state_at(step):
    group = SimpleNamespace(param_groups=[{"lr": 0.01}])
    part = SimpleNamespace(measures=lambda: {"pool": 7.0})
    return SimpleNamespace(step=step, g_optimiser=group, d_optimiser=group, parts={"replay": part})


def test_means_of_losses_and_the_last_logits():
    recorder = Recorder(LOSSES["non-saturating"])
    recorder(state_at(1), report_of(1.0, 2.0, penalties={"r1": 3.0}))
    recorder(state_at(2), report_of(3.0, 6.0))
    measured = recorder.take(state_at(2))
    assert (measured["d_loss"], measured["g_loss"], measured["penalty_r1"]) == (2.0, 4.0, 3.0)
    assert measured["pool"] == 7.0
    assert measured["real_logit"] == pytest.approx(1.5)
    assert measured["fake_logit"] == pytest.approx(-0.25)
    assert measured["d_accuracy"] == pytest.approx(0.75)
    by_hand = -sum(math.log1p(math.exp(-r)) for r in (1, 2)) / 2
    by_hand -= sum(math.log1p(math.exp(f)) for f in (-1, 0.5)) / 2
    assert measured["value"] == pytest.approx(by_hand, rel=1e-5)
    assert recorder.take(state_at(2)) == {}


@pytest.mark.parametrize(
    ("bad", "name"), [({"d": math.nan}, "loss of D"), ({"g": math.inf}, "loss of G")]
)
def test_the_first_step_that_is_not_finite_is_named(bad, name):
    recorder = Recorder(LOSSES["hinge"])
    for step in range(11, 21):
        recorder(state_at(step), report_of(**(bad if step >= 17 else {})))
    with pytest.raises(DivergedError, match=f"{name} is not a finite number in step 16"):
        recorder.take(state_at(20))


def test_a_weight_that_is_not_finite_is_never_saved():
    net = torch.nn.Linear(2, 2)
    state = SimpleNamespace(g_net=net, d_net=torch.nn.Linear(1, 1), step=7)
    check_weights(state)
    with torch.no_grad():
        net.weight[0, 1] = math.nan
    with pytest.raises(
        DivergedError, match=r"the weight g.weight is not a finite number in step 7"
    ):
        check_weights(state)
