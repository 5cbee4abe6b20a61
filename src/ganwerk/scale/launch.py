"""What `torchrun` says of this process, read from the environment. Torch-free."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

from ganwerk.errors import MachineError

NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True)
class Launch:
    """One of `size` processes. rank: its number; local_rank: its number on this machine. where:
    the address at which they meet."""

    rank: int
    size: int
    local_rank: int
    where: str

    @property
    def hosts_store(self) -> bool:
        """Whether this process keeps the meeting point; torchrun does it itself."""
        return self.rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"

    def __str__(self) -> str:
        return f"process {self.rank} on {platform.node()}"


def launched() -> Launch | None:
    """Who this process is among several; None if it is alone.

    Raises MachineError if the environment names several processes and is not complete.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return None
    missing = [name for name in NAMES if not os.environ.get(name)]
    if missing:
        raise MachineError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but {missing[0]} is not set.",
            "Let torchrun start the processes: torchrun --standalone --nproc-per-node 2 "
            "-m ganwerk train PICTURES",
        )
    size, rank = _whole("WORLD_SIZE"), _whole("RANK")
    local = _whole("LOCAL_RANK") if "LOCAL_RANK" in os.environ else rank
    if rank >= size:
        raise MachineError(
            f"RANK is {rank}, but WORLD_SIZE is {size}.",
            f"Processes are numbered from 0 to {size - 1}.",
        )
    where = f"{os.environ['MASTER_ADDR']}:{_whole('MASTER_PORT')}"
    return Launch(rank, size, local, where)


def following() -> bool:
    """Whether another process speaks for this one."""
    return os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.get("RANK", "0") != "0"


def attempt() -> str:
    """How often torchrun has started this command again."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")


def restarted() -> bool:
    """Whether torchrun has started this command again, because a process had died."""
    return attempt() != "0"


def launch_name() -> str:
    """A name for what torchrun was asked to do, the same after each restart; '' without it."""
    asked = os.environ.get("TORCHELASTIC_RUN_ID")
    return f"{asked}/{platform.node()}/{os.getppid()}" if asked else ""


def _whole(name: str) -> int:
    text = os.environ[name]
    if not (text.isascii() and text.isdecimal()):
        raise MachineError(
            f"{name} is '{text}', not a number.", "Let torchrun set it, or set a whole number."
        )
    return int(text)
