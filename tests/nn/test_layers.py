from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganwerk.nn.layers import (
    ConditionalLatent,
    Conv2d,
    ConvTranspose2d,
    Downsample,
    Linear,
    LogitHead,
    Upsample,
    UpsampledConv2d,
    can_be_matrix,
    matrix_products,
)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


PAIRS = [
    (Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1), (2, 3, 6, 6)),
    (ConvTranspose2d(3, 4, 4, 2, 1), nn.ConvTranspose2d(3, 4, 4, 2, 1), (2, 3, 6, 6)),
    (Linear(5, 4), nn.Linear(5, 4), (2, 5)),
]


@pytest.mark.parametrize(("ours", "theirs", "shape"), PAIRS)
def test_in_full_precision_a_layer_is_the_ordinary_one(ours, theirs, shape):
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape)
    assert torch.equal(ours(x), theirs(x))


@pytest.mark.parametrize(("ours", "theirs", "shape"), PAIRS[:2])
def test_as_a_matrix_product_a_convolution_is_the_same(ours, theirs, shape):
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape)
    assert can_be_matrix(ours)
    ours.as_matrix = True
    try:
        torch.testing.assert_close(ours(x), theirs(x))
    finally:
        ours.as_matrix = False


@pytest.mark.parametrize(
    "layer",
    [
        Conv2d(4, 4, 1),
        Conv2d(4, 4, 3, padding=1, groups=2),
        Conv2d(4, 4, 3, dilation=2),
        Conv2d(4, 4, (3, 1)),
        Conv2d(4, 4, 3, padding="same"),
        Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        ConvTranspose2d(4, 4, 3, 2, 1, output_padding=1),
        nn.Linear(4, 4),
    ],
)
def test_what_is_no_plain_convolution_stays_one(layer):
    assert not can_be_matrix(layer)


@pytest.mark.parametrize(("ours", "theirs", "shape"), PAIRS[:2])
def test_in_half_precision_output_is_bf16_and_gradients_are_float32(ours, theirs, shape):
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape)
    ours.compute = torch.bfloat16
    try:
        out = ours(x)
        out.float().square().sum().backward()
        assert out.dtype == torch.bfloat16
        assert ours.weight.grad.dtype == torch.float32
        torch.testing.assert_close(out.float(), theirs(x), atol=0.05, rtol=0.05)
    finally:
        ours.compute = None
        ours.weight.grad = None


def test_matrix_products_in_half_precision_are_close_and_end_with_the_block():
    x, w = torch.randn(64, 256), torch.randn(128, 256)
    exact = (x.double() @ w.double().t()).float()
    before = torch.get_float32_matmul_precision()
    with matrix_products(bfloat16=True):
        assert torch.get_float32_matmul_precision() == "medium"
        close = x @ w.t()
    assert torch.get_float32_matmul_precision() == before
    with matrix_products(bfloat16=False):
        torch.testing.assert_close(x @ w.t(), exact, atol=1e-4, rtol=1e-4)
    assert (close - exact).abs().max() < 0.02 * exact.std() * 4
    assert close.dtype == torch.float32


def test_a_linear_layer_takes_what_comes():
    layer = Linear(5, 4)
    x = torch.randn(2, 5)
    assert layer(x.bfloat16()).dtype == torch.float32
    torch.testing.assert_close(layer(x.bfloat16()), layer(x), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_upsample_repeats_every_pixel(layout):
    x = torch.randn(2, 3, 4, 4).contiguous(memory_format=layout)
    assert torch.equal(Upsample()(x), F.interpolate(x, scale_factor=2, mode="nearest"))


def test_upsample_and_downsample_pass_double_backward():
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda t: Upsample()(t).tanh(), x)
    assert torch.autograd.gradgradcheck(lambda t: Downsample()(t).tanh(), x)


def test_downsample_undoes_upsample():
    x = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(Downsample()(Upsample()(x)), x)


def test_verdict_is_a_projection():
    verdict = LogitHead(4, classes=3)
    h, labels = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    by_hand = h @ verdict.psi.weight[0] + verdict.psi.bias
    by_hand = by_hand + (h * verdict.embedding.weight[labels]).sum(1) / 2
    torch.testing.assert_close(verdict(h, labels), by_hand)


def test_verdict_is_float32_whatever_comes_in():
    assert LogitHead(4, 0)(torch.randn(2, 4).bfloat16(), None).dtype == torch.float32


def test_latent_gets_the_embedding_of_its_label_appended():
    joined = ConditionalLatent(3, classes=2)
    z = torch.randn(4, 3)
    out = joined(z, torch.tensor([0, 1, 0, 1]))
    assert out.shape == (4, joined.out_features) == (4, 6)
    assert torch.equal(out[:, :3], z)
    assert torch.equal(out[0, 3:], out[2, 3:])
    assert not torch.equal(out[0, 3:], out[1, 3:])


def test_shares_of_classes_are_a_mixture_of_their_embeddings():
    joined = ConditionalLatent(3, classes=2)
    z = torch.randn(3, 3)
    out = joined(z, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.25, 0.75]]))
    assert torch.equal(out[:2], joined(z[:2], torch.tensor([0, 1])))
    e0, e1 = joined.embedding.weight
    torch.testing.assert_close(out[2, 3:], 0.25 * e0 + 0.75 * e1)


def test_without_classes_the_latent_passes_unchanged():
    z = torch.randn(4, 3)
    assert ConditionalLatent(3, classes=0)(z, None) is z


@pytest.mark.parametrize("as_matrix", [False, True])
def test_doubled_pixels_convolved_are_one_transposed_convolution(as_matrix):
    """The same numbers as in two steps, margins included, and the same first and second
    derivatives, of the input and of the weights."""
    ours = UpsampledConv2d(3, 4).double()
    ours.as_matrix = as_matrix
    nn.init.normal_(ours.weight)
    assert can_be_matrix(ours)
    found = []
    for fold in (True, False):
        x = torch.randn(2, 3, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        x.requires_grad_()
        made = ours(x) if fold else F.conv2d(Upsample()(x), ours.weight, ours.bias, padding=1)
        of_x = torch.autograd.grad(made.pow(3).sum(), x, create_graph=True)[0]
        found.append((made, of_x, torch.autograd.grad(of_x.square().sum(), ours.weight)[0]))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_what_doubles_pixels_begins_with_numbers_whatever_the_memory_held(monkeypatch):
    """Spectral norm iterates on the weights as soon as it is told of them."""
    empty = torch.empty

    def dirty(*shape, **options):
        return empty(*shape, **options).fill_(float("nan"))

    monkeypatch.setattr(torch, "empty", dirty)
    layer = torch.nn.utils.parametrizations.spectral_norm(UpsampledConv2d(3, 4))
    assert all(bool(t.isfinite().all()) for t in layer.state_dict().values())
    assert layer(torch.randn(1, 3, 4, 4)).isfinite().all()


def test_what_doubles_pixels_computes_in_half_precision_and_keeps_its_weights():
    layer = UpsampledConv2d(3, 4)
    nn.init.normal_(layer.weight)
    layer.compute = torch.bfloat16
    made = layer(torch.randn(2, 3, 5, 5))
    made.float().sum().backward()
    assert (made.dtype, made.shape) == (torch.bfloat16, (2, 4, 10, 10))
    assert layer.weight.grad.dtype == torch.float32
    assert list(layer.state_dict()) == ["weight", "bias"]
