"""The step, on players small enough to follow by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.game.losses import LOSSES
from ganwerk.game.penalties import r1, r2
from ganwerk.game.recipe import Recipe, add, claim
from ganwerk.game.rounds import Critic
from ganwerk.game.schedules import DECAYS, Clip, Rate
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.nn.ema import Ema
from ganwerk.nn.types import Batch, Fakes


class TinyG(nn.Module):
    latent_dim = 2

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(2, 4)
        self.calls = 0

    def forward(self, z, labels=None):
        self.calls += 1
        return (self.map(z).view(-1, 1, 2, 2),)


class TinyD(nn.Module):
    group_size = 1

    def __init__(self):
        super().__init__()
        self.map = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        self.calls = 0

    def forward(self, scales, labels=None):
        self.calls += 1
        return self.map(scales[-1].flatten(1))[:, 0]


def state_of(optimiser=torch.optim.SGD, rate=0.1, seed=0):
    torch.manual_seed(4)
    g, d = TinyG(), TinyD()
    return TrainState(
        g, d, Ema(g, 100, 0.05), optimiser(g.parameters(), lr=rate),
        optimiser(d.parameters(), lr=rate), seed, torch.device("cpu"), horizon_images=800.0,
    )  # fmt: skip


def batch(i):
    return Batch(torch.randn(8, 1, 2, 2, generator=torch.Generator().manual_seed(i)))


def flat(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_both_players_move_exactly_once(monkeypatch):
    state = state_of()
    steps = {"g": 0, "d": 0}
    for name, optimiser in (("g", state.g_optimiser), ("d", state.d_optimiser)):
        original = optimiser.step

        def counted(*args, name=name, original=original):
            steps[name] += 1
            return original(*args)

        monkeypatch.setattr(optimiser, "step", counted)
    train_step(state, batch, Recipe(d_penalties=(r1(1.0), r2(1.0))))
    assert steps == {"g": 1, "d": 1}
    train_step(state, batch, Recipe(d_steps=3, g_steps=2))
    assert steps == {"g": 3, "d": 4}


def test_discriminator_update_by_hand():
    """SGD: D moves by minus rate times the gradient of its own loss, and by nothing else."""
    state = state_of()
    before = {k: v.clone() for k, v in state.d_net.state_dict().items()}
    report = train_step(state, batch, Recipe())
    reference = TinyD()
    reference.load_state_dict(before)
    real, fake = report.played.real, report.played.fake
    loss = (
        nn.functional.softplus(-reference(real)) + nn.functional.softplus(reference(fake))
    ).mean()
    loss.backward()
    for (name, p), (_, moved) in zip(
        reference.named_parameters(), state.d_net.named_parameters(), strict=True
    ):
        torch.testing.assert_close(moved, p - 0.1 * p.grad, msg=name)
    torch.testing.assert_close(report.d_loss, loss.detach())


def test_generator_plays_against_the_updated_discriminator():
    state = state_of()
    g_before = {k: v.clone() for k, v in state.g_net.state_dict().items()}
    report = train_step(state, batch, Recipe())
    reference = TinyG()
    reference.load_state_dict(g_before)
    from ganwerk.game.counters import step_seed
    from ganwerk.game.latents import LATENTS

    z = LATENTS["gaussian"].draw(8, 2, torch.Generator().manual_seed(step_seed(0, 0)))
    loss = nn.functional.softplus(-state.d_net(reference(z))).mean()
    loss.backward()
    torch.testing.assert_close(report.g_loss, loss.detach())
    for p, moved in zip(reference.parameters(), state.g_net.parameters(), strict=True):
        torch.testing.assert_close(moved, p - 0.1 * p.grad)


def test_one_forward_pass_of_g_serves_both_players():
    shared, fresh = state_of(), state_of()
    train_step(shared, batch, Recipe())
    train_step(fresh, batch, Recipe(reuse_fakes=False))
    assert (shared.g_net.calls, fresh.g_net.calls) == (1, 2)
    torch.testing.assert_close(flat(shared.d_net), flat(fresh.d_net))
    assert not torch.equal(flat(shared.g_net), flat(fresh.g_net))


def test_reals_and_fakes_share_a_call_only_where_samples_are_strangers():
    seen = []

    def net(scales, labels):
        seen.append(len(scales[-1]))
        return scales[-1].flatten(1).sum(1)

    real, fake = (torch.ones(3, 1, 2, 2),), (torch.zeros(3, 1, 2, 2),)
    together = Critic(net, 1).joint(real, fake, None)
    apart = Critic(net, 0).joint(real, fake, None)
    assert seen == [6, 3, 3]
    assert all(torch.equal(a, b) for a, b in zip(together, apart, strict=True))


def test_a_lazy_penalty_counts_as_often_as_it_was_left_out():
    """One step with every=4 moves D by the adversarial gradient plus four times the penalty's."""
    start = state_of()
    moved = {}
    for name, penalties in {"none": (), "every": (r1(1.0, 1),), "lazy": (r1(1.0, 4),)}.items():
        state = state_of()
        train_step(state, batch, Recipe(d_penalties=penalties))
        moved[name] = flat(state.d_net) - flat(start.d_net)
    torch.testing.assert_close(
        moved["lazy"] - moved["none"], 4 * (moved["every"] - moved["none"]), rtol=1e-4, atol=1e-6
    )


def test_a_lazy_penalty_is_due_every_so_many_steps():
    state, recipe = state_of(), Recipe(d_penalties=(r1(1.0, 3),))
    due = ["r1" in train_step(state, batch, recipe).penalties for _ in range(7)]
    assert due == [True, False, False, True, False, False, True]


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains_with_adam(loss):
    state = state_of(torch.optim.Adam, 1e-2)
    recipe = replace(Recipe(), loss=LOSSES[loss])
    before = flat(state.g_net), flat(state.d_net)
    for _ in range(3):
        report = train_step(state, batch, recipe)
    assert report.d_loss.isfinite()
    assert not torch.equal(before[0], flat(state.g_net))
    assert not torch.equal(before[1], flat(state.d_net))


def test_the_other_player_keeps_no_gradient():
    state = state_of()
    train_step(state, batch, Recipe(d_penalties=(r1(1.0), r2(1.0))))
    g_grads = [p.grad.clone() for p in state.g_net.parameters()]
    state.g_optimiser.zero_grad()
    from ganwerk.game.drawn import draw
    from ganwerk.game.step import batch_parts_of, discriminator_step

    batch_parts = batch_parts_of(state)
    batch_parts[0].batch = batch(0)
    batch_parts[0].drawn = draw(Recipe(), state.g_net, batch(0), batch_parts[0].random)
    discriminator_step(state, batch_parts, Recipe())
    assert all(p.grad is None for p in state.g_net.parameters())
    assert g_grads


def test_new_reals_in_every_update_of_d():
    seen = []

    def counted(i):
        seen.append(i)
        return batch(i)

    state = state_of()
    for _ in range(2):
        train_step(state, counted, Recipe(d_steps=3))
    assert seen == [0, 1, 2, 3, 4, 5]
    assert state.images == 2 * 3 * 8


def test_a_step_is_a_function_of_weights_seed_and_number():
    runs = []
    for seed in (0, 0, 1):
        state = state_of(torch.optim.Adam, 1e-2, seed)
        for _ in range(4):
            train_step(state, batch, Recipe())
        runs.append(flat(state.g_net))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


@pytest.mark.parametrize("optimiser", [torch.optim.Adam, torch.optim.RMSprop, torch.optim.SGD])
def test_saved_and_loaded_it_goes_on_bit_by_bit(optimiser):
    straight = state_of(optimiser, 1e-2)
    for _ in range(10):
        train_step(straight, batch, Recipe())
    first = state_of(optimiser, 1e-2)
    for _ in range(4):
        train_step(first, batch, Recipe())
    saved = [{k: v.clone() for k, v in t.items()} for t in (first.weights(), first.tensors())]
    second = state_of(optimiser, 1e-2)
    second.load(*saved, first.counters())
    for _ in range(6):
        train_step(second, batch, Recipe())
    for a, b in zip((straight.g_net, straight.d_net, straight.ema.net),
                    (second.g_net, second.d_net, second.ema.net), strict=True):  # fmt: skip
        assert torch.equal(flat(a), flat(b))
    assert second.counters() == straight.counters()


def test_memory_shows_d_what_it_wants_and_g_its_own():
    old = torch.full((8, 1, 2, 2), 9.0)
    recipe = Recipe(memory=lambda fakes, random: Fakes((old,), fakes.labels))
    report = train_step(state_of(), batch, recipe)
    assert torch.equal(report.played.fake[0], old)


def test_a_slot_is_claimed_once():
    recipe = claim(Recipe(), by="growth", to_scales=lambda x: (x,))
    with pytest.raises(
        ConfigError, match="'growth' and 'multi-scale' both set 'to_scales'"
    ) as caught:
        claim(recipe, by="multi-scale", to_scales=lambda x: (x,))
    assert "keep one" in caught.value.hint


def test_tuple_slots_accumulate_in_order():
    first, second = r1(1.0), r2(1.0)
    recipe = add(add(Recipe(), d_penalties=first), d_penalties=second)
    assert recipe.d_penalties == (first, second)


def test_clipping_holds_every_weight_of_d():
    state = state_of(rate=1.0)
    train_step(state, batch, Recipe(constraints=(Clip(0.01),)))
    assert flat(state.d_net).abs().max() <= 0.01
    assert flat(state.g_net).abs().max() > 0.01


@pytest.mark.parametrize(
    ("kind", "values"),
    list(
        {"constant": [1, 1, 1, 1], "linear": [1, 1, 0.55, 0.1], "cosine": [1, 1, 0.55, 0.1]}.items()
    ),
)
def test_rates(kind, values):
    rate = Rate(DECAYS[kind], hold=0.5, floor=0.1)
    assert [rate.factor(t) for t in (0, 0.5, 0.75, 1)] == pytest.approx(values)
    state = state_of(rate=0.1)
    state.images = 800
    for _ in range(2):  # factors apply to the base, not to what the last step had
        train_step(state, batch, Recipe(rates=(rate, lambda state: (1.0, 2.0))))
        assert state.g_optimiser.param_groups[0]["lr"] == pytest.approx(0.1 * values[-1])
        assert state.d_optimiser.param_groups[0]["lr"] == pytest.approx(0.2 * values[-1])


def test_weights_drawn_later_are_as_young_as_new_ones():
    """A run that began again: its rates rise, and its average forgets, as in the beginning."""
    young, late = state_of(), state_of()
    late.count_from(late.counters() | {"images": 4000, "born_images": 4000})
    rate = Rate(DECAYS["constant"], hold=0.0, floor=0.0, warmup_images=100)
    young.horizon_images = late.horizon_images = 1e6
    for _ in range(3):
        assert rate(late) == rate(young)
        for state in (young, late):
            with torch.no_grad():
                next(state.g_net.parameters()).add_(1.0)
            state.advance(16)
    same = zip(young.ema.net.parameters(), late.ema.net.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert late.counters()["born_images"] == 4000
    assert "born_images" not in young.counters()


def test_rates_rise_over_the_first_images_and_over_a_tenth_of_a_short_run():
    rate = Rate(DECAYS["constant"], hold=0.0, floor=0.0, warmup_images=1000)
    assert rate.rise(0, 1e6) == pytest.approx(0.001)
    assert rate.rise(499, 1e6) == 0.5
    assert rate.rise(5000, 1e6) == 1.0
    assert rate.rise(100, 1000) == 1.0
    assert rate.rise(49, 1000) == 0.5
    assert Rate(DECAYS["constant"], hold=0.0, floor=0.0).rise(0, 1e6) == 1.0
