"""The group of processes: how they find each other, and words between them.

Words are JSON and tensors as safetensors: nothing that is executed when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from ganwerk.errors import MachineError, PeerError
from ganwerk.scale.launch import Launch, attempt, launched

MEETING_SECONDS = 300.0
SILENCE_SECONDS = 1800.0  # of one who measures, saves or reads pictures while the others wait


@dataclass(frozen=True, slots=True)
class Processes:
    """Those at one training, of which this is one. Process 0 leads."""

    launch: Launch

    @property
    def rank(self) -> int:
        return self.launch.rank

    @property
    def size(self) -> int:
        return self.launch.size

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def tell(self, word: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What process 0 says, to all. Others give None. Raises PeerError."""
        content = json.dumps(word).encode() if self.leads else b""
        heard: dict[str, Any] = json.loads(self._send(content))
        return heard

    def tell_tensors(self, tensors: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """The tensors of process 0, to all. Others give None. Raises PeerError."""
        from safetensors.torch import load, save

        plain = {k: v.detach().cpu().contiguous().clone() for k, v in (tensors or {}).items()}
        return load(self._send(save(plain) if self.leads else b""))

    def collect(self, word: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What each process says, in their order, to all. Raises PeerError."""
        own = _packed(json.dumps(word).encode())
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with talking():
            dist.all_gather(sizes, torch.tensor([len(own)]))
            most = int(torch.stack(sizes).max())
            all_of_them = [torch.zeros(most, dtype=torch.uint8) for _ in range(self.size)]
            dist.all_gather(all_of_them, torch.cat([own, own.new_zeros(most - len(own))]))
        pairs = zip(all_of_them, sizes, strict=True)
        return [json.loads(_unpacked(content[: int(size)])) for content, size in pairs]

    def wait(self) -> None:
        """Until all are here. Raises PeerError."""
        self.collect({})

    def _send(self, content: bytes) -> bytes:
        size = torch.tensor([len(content)])
        with talking():
            dist.broadcast(size, 0)
            packed = _packed(content) if self.leads else torch.zeros(int(size), dtype=torch.uint8)
            dist.broadcast(packed, 0)
        return _unpacked(packed)


def _packed(content: bytes) -> Tensor:
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _unpacked(tensor: Tensor) -> bytes:
    return tensor.numpy().tobytes()


@contextmanager
def talking() -> Iterator[None]:
    """Raises PeerError where another process does not answer any more."""
    try:
        yield
    except RuntimeError as error:
        raise PeerError(
            f"Another process of this training is gone: {str(error).splitlines()[0]}",
            "The run stands at its last checkpoint. torchrun --max-restarts 3 goes on by itself.",
        ) from error


_here: list[Processes] = []


def here() -> Processes | None:
    """The group that this process has joined; None if it is alone."""
    return _here[-1] if _here else None


@contextmanager
def joined(seconds: float = MEETING_SECONDS) -> Iterator[Processes | None]:
    """The processes that torchrun has started, for the length of the block; None if this one is
    alone or the block lies in another one. seconds: how long to wait until all are there.

    Raises MachineError if they do not meet.
    """
    launch = launched()
    if launch is None or _here:
        yield None
        return
    _meet(launch, seconds)
    _here.append(Processes(launch))
    try:
        yield _here[-1]
    finally:
        _here.clear()
        with suppress(RuntimeError):  # others may be gone
            dist.destroy_process_group()


def _meet(launch: Launch, seconds: float) -> None:
    backend, cards = "gloo", torch.cuda.device_count()
    if cards:
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(launch.local_rank % cards)
    host, _, port = launch.where.rpartition(":")
    try:
        store = dist.TCPStore(  # type: ignore[attr-defined]
            host, int(port), launch.size, launch.hosts_store, timedelta(seconds=seconds)
        )
        # torchrun keeps its store when it starts all again: nobody may find the addresses of before
        own = dist.PrefixStore(f"attempt-{attempt()}", store)  # type: ignore[attr-defined]
        dist.init_process_group(
            backend,
            store=own,
            rank=launch.rank,
            world_size=launch.size,
            timeout=timedelta(seconds=SILENCE_SECONDS),
        )
    except (RuntimeError, ValueError) as error:
        raise MachineError(
            f"The {launch.size} processes did not meet at {launch.where} within {seconds:.0f} "
            f"seconds ({launch}): {str(error).splitlines()[0]}",
            "Start the same command on every machine; its port must be open between them.",
        ) from error
