"""What this machine is."""

from __future__ import annotations

import ctypes
import os
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

from ganwerk.errors import MachineError
from ganwerk.values import MachineFacts

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_KEPT_BYTES = 2**30
MOST_KEPT_BYTES = 2**31 - 1


def facts(device: str | None = None) -> MachineFacts:
    """The machine, with the device asked for or else the best one present.

    Raises MachineError if the device asked for is not there.
    """
    import psutil

    memory = psutil.virtual_memory()
    chosen = _device(device)
    return MachineFacts(
        device=str(chosen),
        device_name=_name(chosen),
        cores=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        memory_bytes=memory.total,
        free_memory_bytes=_free(chosen, memory.available),
        python=platform.python_version(),
        torch=torch.__version__,
        bf16_units=_bf16_units(),
    )


@cache
def keep_freed_memory() -> None:
    """Ask the C library to keep freed memory for the next allocation, once per process.

    A step frees blocks of tens of megabytes that the next step wants again. By default glibc hands
    the larger ones back to the system, which must fill every page with zeros when they return: a
    seventh of the time of a step at 64 px (docs/benchmarks.md). Without glibc nothing happens.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, MOST_KEPT_BYTES)


def give_back_memory() -> None:
    """Hand freed memory back to the system now, where something large will not come again."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _device(asked: str | None) -> torch.device:
    if asked is None:
        return torch.device(_best())
    try:
        device = torch.device(asked)
        torch.ones(1, device=device).add_(1).item()  # that there is memory says little: compute
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise MachineError(
            f"The device '{asked}' cannot be used here: {str(error).splitlines()[0]}",
            f"What works here: --device {_best()}",
        ) from error
    return device


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    for line in _cpu_lines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _free(device: torch.device, available_bytes: int) -> int:
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else available_bytes


def _cpu_lines() -> list[str]:
    """/proc/cpuinfo on Linux, else nothing."""
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


def _bf16_units() -> bool:
    flags = next((line for line in _cpu_lines() if line.startswith("flags")), "")
    return bool({"amx_bf16", "avx512_bf16"} & set(flags.split()))
