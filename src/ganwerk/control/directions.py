"""Directions in a generator's space that change something one can name, found without labels.

factorise  Shen and Zhou 2021 (Closed-form factorization of latent semantics in GANs, section
           3.2): the eigenvectors of A^T A, A being the weights that take the style: what they
           lengthen most changes the picture most. Without styles, A takes the latent.
pca        Härkönen et al. 2020 (GANSpace, section 2.1): the principal components of many styles.
           Latents are alike in all directions, so without styles the components are those of the
           pictures, carried back to the latents by linear regression (their section 2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.control.places import Places
from ganwerk.control.steered import Steered
from ganwerk.errors import ConfigError
from ganwerk.values import Progress, ProgressCallback

STYLES_DRAWN, PICTURES_DRAWN, SEEN_PX = 10_000, 2_000, 16
Pull = tuple[Tensor, Tensor]
"""Vectors (M, S) by falling importance, and each one's importance (M,)."""


@dataclass(frozen=True, eq=False)
class Directions:
    """vectors (M, S), each of length 1, the most important first. importance (M,): their shares of
    the whole, which all S directions together would bring to 1. spreads (M,): the standard
    deviation of the places of pictures along each. layers: what they move (places, from 0)."""

    vectors: Tensor
    importance: Tensor
    spreads: Tensor
    layers: tuple[int, ...]
    method: str

    def moved(self, steered: Steered, places: Places, number: int, amount: float) -> Places:
        """Places shifted along direction `number` by `amount` of its spreads."""
        styles = places.styles.clone()
        shift = self.vectors[number] * self.spreads[number] * amount
        styles[:, list(self.layers)] += shift
        return replace(places, styles=steered.space.settled(styles))


def find(
    steered: Steered, method: str, layers: list[int], count: int, progress: ProgressCallback
) -> Directions:
    """The `count` most important directions for these layers. Raises ConfigError for more than
    the space has."""
    if not 1 <= count <= steered.space.size:
        raise ConfigError(
            f"There cannot be {count} directions in a space of {steered.space.size} numbers.",
            "Ask for 1 to that many: --count 8",
        )
    vectors, importance = METHODS[method](steered, layers, progress)
    vectors = vectors[:count]
    # A direction has no sign of its own: its largest number shall be positive
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    vectors = F.normalize(vectors * largest.sign(), dim=1).float()
    spreads = (_styles(steered) @ vectors.T).std(0)
    return Directions(vectors, importance[:count].float(), spreads, tuple(layers), method)


def _styles(steered: Steered) -> Tensor:
    """The styles (N, S) of the first pictures."""
    return steered.places(range(STYLES_DRAWN)).styles[:, 0]


def factorise(steered: Steered, layers: list[int], progress: ProgressCallback) -> Pull:
    weights = torch.cat(taking_weights(steered, layers)).double()
    values, vectors = torch.linalg.eigh(weights.T @ weights)
    return vectors.T.flip(0), (values / values.sum()).flip(0)


@torch.no_grad()
def taking_weights(steered: Steered, layers: list[int]) -> list[Tensor]:
    """The matrices (out, S) of the linear layers that take the styles of `layers`.

    Found by watching which modules are given the style, and read by what they make of unit vectors,
    whatever way their weights are stored. Raises ConfigError if there are none.
    """
    space, device = steered.space, steered.sampler.device
    some = steered.places([0, 1])
    random = torch.Generator().manual_seed(0)
    styles = torch.randn(some.styles.shape, generator=random).to(device)  # another for each layer
    found: dict[nn.Module, Tensor] = {}

    def look(module: nn.Module, given: tuple[object, ...]) -> None:
        entered = given[0] if given else None
        if isinstance(entered, Tensor) and _takes(module, entered, styles[:, layers]):
            unit = torch.eye(entered.shape[1], device=device)
            with _unwatched(module):
                found[module] = (module(unit) - module(torch.zeros_like(unit)))[: space.size].T

    hooks = [module.register_forward_pre_hook(look) for module in steered.sampler.net.modules()]
    try:
        space.pictures(styles, None if some.shares is None else some.shares.to(device))
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        kind = steered.sampler.settings.network.kind
        raise ConfigError(
            f"The network '{kind}' has no linear layer that takes the style directly.",
            "Find directions by principal components instead: --method pca",
        )
    return [matrix.cpu() for matrix in found.values()]


class _unwatched:
    """Within it, calling a module does not call its hooks."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __enter__(self) -> None:
        self.hooks = self.module._forward_pre_hooks.copy()
        self.module._forward_pre_hooks.clear()

    def __exit__(self, *_: object) -> None:
        self.module._forward_pre_hooks.update(self.hooks)


def _takes(module: nn.Module, entered: Tensor, styles: Tensor) -> bool:
    """Whether a linear layer is given one of the styles (B, l, S), alone or with more behind it."""
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.ndim != 2 or entered.ndim != 2:
        return False
    if len(entered) != len(styles) or entered.shape[1] < styles.shape[2]:
        return False
    start = entered[:, : styles.shape[2]]
    return any(torch.equal(start, styles[:, i]) for i in range(styles.shape[1]))


def components(steered: Steered, layers: list[int], progress: ProgressCallback) -> Pull:
    if steered.space.layers > 1:
        return _principal(_styles(steered))
    return _of_pictures(steered, progress)


def _principal(rows: Tensor) -> Pull:
    from sklearn.decomposition import PCA

    found = PCA(svd_solver="full").fit(rows.double().numpy())
    shares = torch.from_numpy(found.explained_variance_ratio_)
    return torch.from_numpy(found.components_), shares


def _of_pictures(steered: Steered, progress: ProgressCallback) -> Pull:
    """The latents' directions that go with the principal components of the pictures.

    Differences between classes are no matter of the latents: each class is centred by itself.
    """
    from sklearn.decomposition import PCA

    places = steered.places(range(PICTURES_DRAWN))
    seen = []
    for pictures in steered.batches(places):
        small = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        seen.append(F.adaptive_avg_pool2d(small, min(SEEN_PX, small.shape[-1])).flatten(1))
        done = sum(map(len, seen))
        progress(Progress("drawing", done, len(places), "pictures"))
    pixels = torch.cat(seen).double()
    if places.shares is not None:
        shares = places.shares.double()
        means = (shares.T @ pixels) / shares.sum(0).clamp_min(1)[:, None]
        pixels = pixels - shares @ means
    most = min(places.styles.shape[2], pixels.shape[1])
    found = PCA(n_components=most, svd_solver="full").fit(pixels.numpy())
    coordinates = found.transform(pixels.numpy())
    # z = coordinates x U, by least squares; the coordinates are uncorrelated
    latents = places.styles[:, 0].double().numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        vectors = coordinates.T @ latents / (coordinates**2).sum(0)[:, None]
    known = np.isfinite(vectors).all(1)
    shares_seen = torch.from_numpy(found.explained_variance_ratio_[known])
    return torch.from_numpy(vectors[known]), shares_seen


METHODS: dict[str, Callable[[Steered, list[int], ProgressCallback], Pull]] = {
    "factorise": factorise,
    "pca": components,
}
