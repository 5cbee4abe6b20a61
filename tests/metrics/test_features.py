from __future__ import annotations

import numpy as np
import pytest
import torch

from ganwerk.errors import DataError, MachineError
from ganwerk.metrics import frechet_distance, kernel_distance, scale
from ganwerk.metrics.features import (
    FunctionExtractor,
    PixelPca,
    RandomConv,
    extract,
    fidelity,
    selfsup,
)
from ganwerk.metrics.features import lenet as lenet_module
from ganwerk.metrics.features.base import as_colour, as_grey, over_white, premultiplied
from ganwerk.metrics.features.lenet import DigitNet
from ganwerk.metrics.features.principal import components_for, principal_components
from ganwerk.metrics.features.selfsup import SelfSupervised, agreeing_directions, altered


def pictures(n=40, size=20, channels=3, seed=0):
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (n, channels, 5, 5))
    return (
        small.repeat(-(-size // 5), 2).repeat(-(-size // 5), 3)[:, :, :size, :size].astype(np.uint8)
    )


@pytest.fixture(autouse=True)
def few_filters(monkeypatch):
    """Of the network that learns: what is tested here does not depend on their number."""
    monkeypatch.setattr(selfsup, "FILTERS", 12)
    monkeypatch.setattr(selfsup, "FEWEST_PAIRS", 200)


def made(kind, x):
    return MAKERS[kind](x)


MAKERS = {
    "pixels": PixelPca.fit,
    "random": RandomConv.fit,
    "selfsup": lambda x: SelfSupervised.fit(x, mirror=True),
    "lenet": lambda x: DigitNet(x.shape[1]),
}


@pytest.mark.parametrize("kind", ["pixels", "random", "selfsup", "lenet"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_channels_any_batch_any_company(kind, channels):
    x = pictures(channels=channels)
    extractor = made(kind, x)
    whole = extract(extractor, x)
    assert whole.dtype == torch.float32
    assert whole.shape[0] == 40
    parts = extract(extractor, x, batch=7)
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5)
    back = extract(extractor, x[::-1].copy())
    torch.testing.assert_close(back.flip(0), whole, rtol=1e-4, atol=1e-5)
    if channels == 4:
        assert extractor.notes
    assert len(extractor.weights) == 16


@pytest.mark.parametrize("kind", ["pixels", "random", "selfsup"])
def test_fitting_repeats_and_its_digest_tells_other_pictures(kind):
    x = pictures()
    assert made(kind, x).weights == made(kind, x).weights != made(kind, pictures(seed=1)).weights


@pytest.mark.parametrize(("count", "columns"), [(300, 30), (60, 200)])
def test_principal_directions_are_those_of_numpy(count, columns):
    """Also of fewer samples than half their columns, which take another way."""
    random = np.random.default_rng(0)
    x = torch.from_numpy(
        random.normal(size=(count, columns)) * np.linspace(5, 1, columns) ** (2 * columns / 30)
    )
    mean, directions = principal_components(x, 6)
    _, vectors = np.linalg.eigh(np.cov(x.numpy(), rowvar=False))
    np.testing.assert_allclose(mean, x.numpy().mean(0), rtol=1e-12)
    expected = vectors[:, ::-1][:, :6]
    overlap = np.abs((directions.numpy() * expected).sum(0))
    np.testing.assert_allclose(overlap, 1, rtol=1e-6)
    torch.testing.assert_close(directions.T @ directions, torch.eye(6, dtype=torch.float64))


def test_few_pictures_give_few_components():
    assert [components_for(n, 3072, 64) for n in (4, 80, 512, 9999)] == [1, 10, 64, 64]


def test_channels_are_brought_to_what_is_wanted():
    grey = torch.full((1, 1, 2, 2), 100.0)
    torch.testing.assert_close(as_colour(grey), torch.full((1, 3, 2, 2), 100.0))
    red = torch.zeros(1, 3, 2, 2)
    red[:, 0] = 255
    torch.testing.assert_close(as_grey(red), torch.full((1, 1, 2, 2), 0.299 * 255))
    clear = torch.cat([red, torch.zeros(1, 1, 2, 2)], 1)
    torch.testing.assert_close(over_white(clear), torch.full((1, 3, 2, 2), 255.0))
    assert float(premultiplied(clear).abs().max()) == 0
    torch.testing.assert_close(over_white(torch.cat([red, red[:, :1]], 1)), red)


def test_the_shipped_digit_net_is_checked(tmp_path, monkeypatch):
    other = tmp_path / "weights.safetensors"
    other.write_bytes(lenet_module.FILE.read_bytes())
    assert DigitNet(1, other).name == "lenet-mnist-v1"
    content = bytearray(other.read_bytes())
    content[-1] ^= 1
    other.write_bytes(bytes(content))
    with pytest.raises(DataError, match="other weights"):
        DigitNet(1, other)


def test_a_function_of_ones_own():
    means = FunctionExtractor("means-v1", lambda x: x.mean((2, 3)))
    x = pictures()
    np.testing.assert_allclose(extract(means, x), x.mean((2, 3)), rtol=1e-5)
    flat = FunctionExtractor("broken", lambda x: x.mean())
    with pytest.raises(DataError, match="one row per picture"):
        extract(flat, x)
    endless = FunctionExtractor("broken", lambda x: x.mean((2, 3)) / 0)
    with pytest.raises(DataError, match="broken gave numbers that are not finite"):
        extract(endless, x)


def test_directions_that_agree_are_those_of_what_both_views_share():
    """Views of four numbers each: three times the first is noise, the second is shared, the third
    is shared by half, the fourth is noise. Mixed up by a matrix, and found again."""
    random = np.random.default_rng(0)
    shared = random.normal(size=(20_000, 2))
    noise = random.normal(size=(2, 20_000, 4))
    views = [
        np.stack([3 * e[:, 0], shared[:, 0], (shared[:, 1] + e[:, 2]) / 2**0.5, e[:, 3]], 1)
        for e in noise
    ]
    mixing = random.normal(size=(4, 4))
    first, second = (torch.from_numpy(view @ mixing) for view in views)
    total = (first.T @ first + second.T @ second) / 40_000
    between = (first.T @ second + second.T @ first) / 40_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selfsup, "RIDGE", 0.0)
        directions = agreeing_directions(total, between, 4, 2)
    for place, (found, agreement) in enumerate(zip(directions.T, (1.0, 0.5), strict=True)):
        values = (first @ found).numpy()
        assert abs(np.corrcoef(values, shared[:, place])[0, 1]) > 0.7 - 0.02
        assert float(found.norm()) == pytest.approx(agreement**2, abs=0.03)
    few = agreeing_directions(total, between, 2, 2)
    principal_pair = torch.linalg.eigh(total).eigenvectors[:, -2:]
    torch.testing.assert_close(principal_pair @ (principal_pair.T @ few), few)


def test_filters_know_a_patch_and_its_negative_at_any_contrast_and_brightness():
    pattern = torch.from_numpy(pictures(60, 16)).float() / 255 - 0.5
    found = selfsup.find_filters(128 + 120 * pattern, torch.Generator().manual_seed(0))
    sums = found.weights.sum((1, 2, 3))
    torch.testing.assert_close(sums, torch.zeros_like(sums), atol=1e-3, rtol=0)
    found.offsets = torch.zeros_like(found.offsets)  # of the mean patch, which has no negative
    positive, negative = (found.answers(128 + c * pattern) for c in (120, -120))
    assert float(positive.amax()) > 0.1
    half = positive.shape[1] // 2
    torch.testing.assert_close(negative[:, :half], positive[:, half:], rtol=1e-3, atol=1e-3)
    near = {"rtol": 0.05, "atol": 0.05}
    torch.testing.assert_close(found.answers(128 + 80 * pattern), positive, **near)
    torch.testing.assert_close(found.answers(100 + 120 * pattern), positive, rtol=1e-3, atol=1e-3)


def test_learned_features_see_a_missing_kind_where_pixels_do_not(monkeypatch):
    """Stripes of any colour, phase and place: of the upright ones there are half too few."""
    monkeypatch.setattr(selfsup, "FEWEST_PAIRS", 600)
    random = np.random.default_rng(0)

    def drawn(n, share):
        phase, colour = (random.integers(0, m, (n, c, 1, 1)) for m, c in ((6, 1), (150, 3)))
        waves = (np.arange(20) + phase) % 6 < 3
        lying = random.random((n, 1, 1, 1)) < share
        turned = np.where(lying, waves.repeat(20, 2).swapaxes(2, 3), waves.repeat(20, 2))
        noise = random.integers(0, 40, (n, 3, 20, 20))
        return (colour + 60 * turned + noise).astype(np.uint8)

    def measure(x, y):
        return {"kernel": kernel_distance(x, y).value}

    def z(extractor, pool, fake):
        floor = scale.floors(measure, pool, len(fake), repeats=10)["kernel"]
        return scale.scored(measure(pool[: len(fake)], fake)["kernel"], 0, floor).z

    real, others = drawn(600, 0.5), (drawn(300, 0.5), drawn(300, 0.25))
    found = {}
    for kind in ("pixels", "selfsup"):
        extractor = made(kind, real)
        features = [extract(extractor, x) for x in (real, *others)]
        found[kind] = [z(extractor, features[0], fake) for fake in features[1:]]
    assert abs(found["selfsup"][0]) < 3
    assert found["selfsup"][1] > max(4, found["pixels"][1] + 2)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_altered_views_follow_from_the_generator_alone(channels):
    x = torch.from_numpy(pictures(6, 32, channels)).float() / 127.5 - 1
    views = [altered(x, torch.Generator().manual_seed(s), mirror=True) for s in (0, 0, 1)]
    assert views[0].shape == (6, channels, 32, 32)
    assert torch.equal(views[0], views[1])
    assert not torch.equal(views[0], views[2])


def test_a_saved_network_is_the_same():
    x = pictures(channels=1)
    taught = made("selfsup", x)
    again = SelfSupervised.of(taught.tensors())
    assert again.weights == taught.weights
    assert torch.equal(extract(again, x), extract(taught, x))


def test_distances_of_features_see_what_changed():
    x, y = pictures(200), pictures(200, seed=1)
    extractor = PixelPca.fit(x)
    near = frechet_distance(extract(extractor, x), extract(extractor, y))
    dark = frechet_distance(extract(extractor, x), extract(extractor, y // 2))
    assert dark > 2 * near


def test_the_weight_file_of_the_fid_is_checked(tmp_path):
    with pytest.raises(DataError, match="cannot be read") as found:
        fidelity.read_weights(tmp_path / "absent.pth")
    assert "github.com/toshas/torch-fidelity" in found.value.hint
    wrong = tmp_path / "weights.pth"
    wrong.write_bytes(b"something else")
    with pytest.raises(DataError, match="not the weight file of the FID: its SHA-256 begins"):
        fidelity.read_weights(wrong)


def test_without_torch_fidelity_it_is_said_how_to_get_it(monkeypatch):
    import importlib.metadata as metadata

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(MachineError, match="not installed") as found:
        fidelity.check_installed()
    assert "ganwerk[fid]" in found.value.hint
