"""What styles add to a game: mixing, their mean, path length, micro-batches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.game.latents import LATENTS
from ganwerk.game.optimisers import Adam
from ganwerk.game.penalties import r1
from ganwerk.game.recipe import Recipe, adapt, add
from ganwerk.game.remedies import REMEDIES
from ganwerk.game.start import start
from ganwerk.game.step import train_step
from ganwerk.game.styles import MeanLength, foreign_layers, path_lengths, styled, styled_draw
from ganwerk.nn.dcgan import DcganDiscriminator, DcganGenerator
from ganwerk.nn.equalised import begin
from ganwerk.nn.residual import ResidualDiscriminator
from ganwerk.nn.sizes import Sizes
from ganwerk.nn.style import StyleGenerator
from ganwerk.nn.types import Batch, Fakes
from ganwerk.values import PictureShape

GAUSSIAN = LATENTS["gaussian"]
SHAPE = PictureShape(16, 1)


def players(classes=0):
    g = StyleGenerator(Sizes(SHAPE, 4, 8), 4, classes, style_size=6)
    d = ResidualDiscriminator(Sizes(SHAPE, 4, 8), classes, group=2)
    for net in (g, d):
        begin(net, torch.Generator().manual_seed(5))
    return g, d


def seeded(number=0):
    return torch.Generator().manual_seed(number)


def batch(number=0, classes=0):
    images = torch.rand(8, 1, 16, 16, generator=seeded(number)) * 2 - 1
    return Batch(images, torch.arange(8) % classes if classes else None)


def test_mixing_takes_all_layers_from_one_on_in_the_share_asked_for():
    chosen = foreign_layers(4000, 7, 0.75, seeded())
    assert not chosen[:, 0].any()
    assert (chosen[:, 1:] >= chosen[:, :-1]).all()  # once foreign, foreign to the end
    some = chosen.any(1)
    assert some.float().mean().item() == pytest.approx(0.75, abs=0.03)
    first = 7 - chosen[some].sum(1)
    counts = torch.bincount(first, minlength=7)[1:] / len(first)
    assert counts.tolist() == pytest.approx([1 / 6] * 6, abs=0.03)


def test_fakes_are_drawn_from_the_steps_numbers_alone():
    g, _ = players()
    draw = styled_draw(GAUSSIAN, 0.9)
    first, again, other = (draw(g, batch(), seeded(n)) for n in (1, 1, 2))
    assert torch.equal(first.scales[0], again.scales[0])
    assert not torch.equal(first.scales[0], other.scales[0])
    mixed = (first.styles != first.styles[:, :1]).any(2).any(1)
    assert mixed.float().mean() > 0.5


def trained(recipe, steps=3, classes=0, micro_batch=0, dtype=torch.float64, nets=None):
    g, d = nets or players(classes)
    g, d = g.to(dtype), d.to(dtype)
    recipe = replace(recipe, micro_batch=micro_batch)
    state = start(
        recipe, g, d, lambda net, rate: Adam(net.parameters(), rate, 0.0, 0.99),
        g_rate=1e-3, d_rate=1e-3, seed=1, horizon_images=1e6,
    )  # fmt: skip

    def images(i):
        drawn = batch(i, classes)
        return Batch(drawn.images.to(dtype), drawn.labels)

    reports = [train_step(state, images, recipe) for _ in range(steps)]
    return state, reports


def game(mixing=0.9, path=0.0):
    return styled(DOUBLE, mixing, path, 2)(add(Recipe(), d_penalties=r1(0.5, every=2)))


class Double:
    """Latents in float64."""

    def draw(self, count, dim, random):
        return GAUSSIAN.draw(count, dim, random).double()


DOUBLE = Double()


@pytest.fixture
def double_noise(monkeypatch):
    plain = StyleGenerator.fresh_noise

    def fresh(self, count, random):
        return tuple(noise.double() for noise in plain(self, count, random))

    monkeypatch.setattr(StyleGenerator, "fresh_noise", fresh)


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("micro", [2, 4])
def test_a_batch_in_parts_gives_the_same_update(double_noise, micro, classes):
    whole, reports = trained(game(path=2.0), classes=classes)
    parts, others = trained(game(path=2.0), micro_batch=micro, classes=classes)
    for name, tensor in whole.tensors().items():
        torch.testing.assert_close(parts.tensors()[name], tensor, rtol=1e-7, atol=1e-9)
    for one, other in zip(reports, others, strict=True):
        torch.testing.assert_close(other.d_loss, one.d_loss)
        torch.testing.assert_close(other.g_loss, one.g_loss)
        assert set(other.penalties) == set(one.penalties)
        assert len(other.played.real_logits) == 8


def test_a_relativistic_game_in_parts_gives_the_same_update(double_noise):
    from ganwerk.game.losses import LOSSES

    recipe = replace(game(), loss=LOSSES["relativistic"])
    whole, _ = trained(recipe)
    parts, _ = trained(recipe, micro_batch=2)
    torch.testing.assert_close(parts.tensors(), whole.tensors(), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("recipe", "nets", "words"),
    [
        (
            Recipe(),
            lambda: (
                DcganGenerator(SHAPE, 4, 0, width=4, max_width=8),
                DcganDiscriminator(SHAPE, 0, width=4, max_width=8),
            ),
            "looks at all of it",
        ),
        (REMEDIES["unrolled"](steps=1)(game()), players, "some steps ahead"),
    ],
)
def test_what_cannot_be_parted_is_refused(recipe, nets, words):
    with pytest.raises(ConfigError, match=words):
        trained(recipe, micro_batch=2, nets=nets())


def test_parts_do_not_cut_through_groups():
    with pytest.raises(ConfigError, match="groups of 2"):
        trained(game(), micro_batch=1)


@pytest.mark.parametrize("remedy", ["unrolled", "spectral-norm"])
def test_stages_are_not_computed_twice_where_they_would_differ(remedy):
    recipe = REMEDIES[remedy]()(game())
    g, _ = players()
    d = ResidualDiscriminator(Sizes(SHAPE, 4, 8, recompute_px=8), 0, group=2)
    with pytest.raises(ConfigError, match=f"{remedy}, stages of D"):
        trained(recipe, nets=(g, adapt(recipe, d)))


def test_the_mean_style_follows_what_is_mapped(double_noise):
    state, _ = trained(game(), steps=20)
    g = state.g_net
    mean = g.mapping(torch.randn(4096, 4).double()).mean(0)
    share = 1 - 0.995**20
    assert g.mean_style.abs().sum() > 0
    torch.testing.assert_close(g.mean_style / share, mean, rtol=0.2, atol=0.1)
    assert torch.equal(state.weights()["mean_style"].isfinite(), torch.ones(6, dtype=torch.bool))


class Linear(nn.Module):
    """A generator whose derivative is known: the picture is A times the style of each layer."""

    def __init__(self, a):
        super().__init__()
        self.a = a

    def synthesis(self, styles):
        return (torch.einsum("pw,blw->bp", self.a, styles).view(-1, 1, 4, 4),)


def test_path_length_of_a_linear_map_is_the_length_of_its_rows():
    a = torch.randn(16, 5, dtype=torch.float64)
    styles = torch.randn(3, 2, 5, dtype=torch.float64, requires_grad=True)
    lengths = path_lengths(Fakes(Linear(a).synthesis(styles), None, styles), seeded(7))
    y = torch.randn(3, 1, 4, 4, generator=seeded(7)).double().view(3, 16) / 4
    torch.testing.assert_close(lengths, (y @ a).norm(dim=1))


def test_path_length_against_the_whole_jacobian():
    g, _ = players()
    g = g.double()
    styles = g.mapping(torch.randn(2, 4).double())[:, None].repeat(1, g.style_layers, 1)
    styles = styles.detach().requires_grad_(True)
    found = path_lengths(Fakes(g.synthesis(styles), None, styles), seeded(3))
    jacobian = torch.autograd.functional.jacobian(lambda s: g.synthesis(s)[0], styles)
    y = torch.randn(2, 1, 16, 16, generator=seeded(3)).double() / 16
    for i in range(2):
        pulled = torch.einsum("chw,chwlk->lk", y[i], jacobian[i][..., i, :, :])
        torch.testing.assert_close(found[i], pulled.square().sum(1).mean().sqrt())


def test_the_running_mean_of_lengths():
    mean = MeanLength()
    assert float(mean.take(torch.tensor([1.0, 3.0]))) == pytest.approx(0.02)
    assert float(mean.take(torch.tensor([1.0]))) == pytest.approx(0.01 + 0.99 * 0.02)
    other = MeanLength()
    other.load_state_dict(mean.state_dict())
    assert other.measures() == mean.measures()


def test_path_length_is_due_now_and_then_and_refuses_other_generators():
    _, reports = trained(game(path=2.0), steps=4, dtype=torch.float32)
    due = ["path-length" in report.penalties for report in reports]
    assert due == [True, False, True, False]
    nets = (
        DcganGenerator(SHAPE, 4, 0, width=4, max_width=8),
        DcganDiscriminator(SHAPE, 0, width=4, max_width=8),
    )
    with pytest.raises(ConfigError, match="no styles"):
        trained(game(path=2.0), nets=nets)
