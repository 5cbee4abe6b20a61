"""Tensors as stretches of one vector, without moving a number that need not move.

Shape legend: N numbers of a tensor.
"""

from __future__ import annotations

import torch
from torch import Tensor


def as_it_lies(tensor: Tensor, like: Tensor) -> Tensor:
    """The numbers of a tensor (N,), in the order in which those of `like` lie in memory: a view
    where both lie alike. The order depends on `like` alone, so that all processes have the same.

    >>> x = torch.arange(4.0).view(2, 2)
    >>> as_it_lies(x, x), as_it_lies(x, x.T)
    (tensor([0., 1., 2., 3.]), tensor([0., 2., 1., 3.]))
    """
    tensor = tensor.detach()
    if not _dense(like):
        return tensor.reshape(-1)
    if _lie(tensor) != _lie(like):
        tensor = torch.empty_like(like, dtype=tensor.dtype).copy_(tensor)
    return tensor.as_strided((tensor.numel(),), (1,), tensor.storage_offset())


def in_the_shape_of(vector: Tensor, like: Tensor) -> Tensor:
    """A view of a vector (N,) that `as_it_lies` made for `like`, in its shape."""
    if not _dense(like):
        return vector.view_as(like)
    return vector.as_strided(like.shape, like.stride(), vector.storage_offset())


def _lie(tensor: Tensor) -> list[int]:
    """The strides that count: of a dimension with one number any will do."""
    return [s for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n > 1]


def _dense(tensor: Tensor) -> bool:
    """Whether its numbers fill a stretch of memory without gaps, none twice."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride != expected:
            return False
        expected *= size
    return True
