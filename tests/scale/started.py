"""Real processes, started by torchrun, or as it would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from safetensors.torch import load_file

from ganwerk.run import Run
from ganwerk.scale.agreement import digest

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    *("--set", "network.generator_width=8", "--set", "network.discriminator_width=8"),
    *("--set", "network.max_width=16", "--set", "run.precision=float32"),
    *("--set", "run.measure=false", "--set", "run.doctor=off"),
]


def command(processes: int, *arguments: str, restarts: int = 0) -> list[str]:
    """The module `arguments` by so many processes; 1: without torchrun."""
    if processes == 1:
        return [sys.executable, "-m", *arguments]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    torchrun += ["--nproc-per-node", str(processes), "--max-restarts", str(restarts)]
    return [*torchrun, "-m", *arguments]


def forked(processes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As `done`, in less time: see tests.scale.forked."""
    return done(1, "tests.scale.forked", str(processes), *arguments)


def environment() -> dict[str, str]:
    outside = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    kept = {name: value for name, value in os.environ.items() if name not in outside}
    return kept | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }


def done(
    processes: int, *arguments: str, restarts: int = 0, timeout: float = 280
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(processes, *arguments, restarts=restarts),
        env=environment(), capture_output=True, text=True, timeout=timeout,
    )  # fmt: skip


def standing(path: Path) -> tuple[int, str]:
    """Images seen and the digest of all tensors of the newest checkpoint."""
    newest = Run.open(path).checkpoints()[-1]
    tensors = {}
    for name in ("weights", "state"):
        tensors |= load_file(newest.path / f"{name}.safetensors")
    return newest.images, digest(tensors)
