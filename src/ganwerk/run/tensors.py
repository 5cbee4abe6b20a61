"""Named tensors in a safetensors file, written in one pass with their checksum.

The library's own writer builds the whole file in memory, twice for a moment. Here each tensor goes
from its own memory to the disk, so that saving costs no memory worth mentioning while training
needs it. Reading is left to the library.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ganwerk.run.files import human_bytes, patiently
from ganwerk.run.index import Seal

_TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


class DamagedError(Exception):
    """A file is not what was written. The text is the reason, for a sentence with its name."""


def tensor_bytes(tensors: Mapping[str, Tensor]) -> int:
    """What the contents of `tensors` take, in bytes."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _header(tensors: Mapping[str, Tensor]) -> bytes:
    """The safetensors header: its length as 8 bytes, then type, shape and place of each tensor."""
    table: dict[str, object] = {"__metadata__": {"format": "pt"}}
    start = 0
    for name, tensor in tensors.items():
        if name == "__metadata__" or tensor.dtype not in _TYPES:
            raise TypeError(f"cannot save tensor '{name}' of type {tensor.dtype}")
        end = start + tensor.numel() * tensor.element_size()
        kind, shape = _TYPES[tensor.dtype], list(tensor.shape)
        table[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format wants the data to begin at a multiple of 8
    return struct.pack("<Q", len(text)) + text


def _content(tensor: Tensor) -> memoryview:
    """The tensor's numbers in row-major order, without a copy where memory already has it so."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    # None or one number counts as contiguous with any stride; a view of its bytes needs stride 1
    flat = flat.as_strided((flat.numel(),), (1,))
    return flat.view(torch.uint8).numpy().data


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> Seal:
    """Write a new file and wait until it is on the disk.

    tensors: of any shape, memory layout and device; two names may share memory (each gets its
    own copy in the file).
    Raises OSError as the system gives it, TypeError for a type that the format lacks.
    """
    # Wide types first keeps each tensor at an address that its type may have: the format's rule.
    ordered = dict(sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])))
    digest, size = hashlib.blake2b(), 0
    with open(path, "xb") as file:
        header = memoryview(_header(ordered))
        for part in itertools.chain([header], map(_content, ordered.values())):
            file.write(part)
            digest.update(part)
            size += part.nbytes
        file.flush()
        os.fsync(file.fileno())
    return Seal(size, digest.hexdigest())


def read_tensors(path: Path, seal: Seal) -> dict[str, Tensor]:
    """Read a file that `write_tensors` sealed; the tensors are contiguous and on the CPU.

    Its size is compared before anything is read. Raises DamagedError if it is missing, not
    what was written or larger than the memory, OSError if it cannot be read now.
    """
    try:
        size = patiently(path.stat).st_size
        if size != seal.size_bytes:
            raise DamagedError(f"{path.name} has {size} bytes instead of {seal.size_bytes}")
        _refuse_larger_than_memory(path, size)
        content = patiently(path.read_bytes)
    except FileNotFoundError:
        raise DamagedError(f"{path.name} is missing") from None
    except MemoryError:
        raise DamagedError(f"{path.name} takes {human_bytes(size)}, more than is free") from None
    if hashlib.blake2b(content).hexdigest() != seal.blake2b:
        raise DamagedError(f"{path.name} has changed since it was written (wrong checksum)")
    try:
        return safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise DamagedError(f"{path.name} is no safetensors file: {error}") from error


def _refuse_larger_than_memory(path: Path, size: int) -> None:
    """Raises DamagedError if reading the file would end in swapping or a kill."""
    import psutil

    memory = psutil.virtual_memory().total
    if size > memory:
        raise DamagedError(
            f"{path.name} takes {human_bytes(size)}, more than the memory of {human_bytes(memory)}"
        )
