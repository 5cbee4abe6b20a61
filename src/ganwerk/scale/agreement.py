"""Whether all processes have the same in hand: versions, pictures, weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from ganwerk.errors import PeerError
from ganwerk.scale.processes import Processes


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Of names, types, shapes and bits."""
    found = blake2b(digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def agree(group: Processes, word: Mapping[str, Any], what: str, hint: str) -> None:
    """Raises PeerError, in all processes alike, if they do not all say the same.

    what: a sentence with {other} and {said} about the first that differs.
    """
    refuse_differing(group.collect(dict(word)), what, hint)


def refuse_differing(words: Sequence[Mapping[str, Any]], what: str, hint: str) -> None:
    for rank, word in enumerate(words):
        failed = word.get("error")
        if failed:
            raise PeerError(f"Process {rank} cannot take part: {failed}", str(word.get("hint", "")))
        for key, value in words[0].items():
            if word.get(key) != value:
                raise PeerError(
                    what.format(other=rank, key=key, said=word.get(key), first=value), hint
                )
