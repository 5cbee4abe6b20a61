"""The instruction sets and threads under which the suite's figures must hold.

`python -m tests.golden.kernels` (`make test-portable`) runs the golden and closed-form tests under
each in turn; the names are torch's, oneDNN's and MKL's environment variables. A processor that
lacks a set, or is of another kind, takes its best.
"""

from __future__ import annotations

import os
import subprocess
import sys

BEST: dict[str, str] = {}
SETTINGS = {
    "torch without vectors": {"ATEN_CPU_CAPABILITY": "default"},
    "torch with AVX2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "libraries with SSE4": {"ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    "libraries with AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "the machine's best": BEST,
}
WEAKEST = SETTINGS["torch without vectors"] | SETTINGS["libraries with SSE4"]
THREADS = (1, 2)
CLOSED_FORM = ("golden", "nn", "game", "metrics", "style", "lab")


def environment(setting: dict[str, str], threads: int) -> dict[str, str]:
    """For a child process: nothing of what the caller chose is left."""
    chosen = {name for each in SETTINGS.values() for name in each}
    kept = {name: value for name, value in os.environ.items() if name not in chosen}
    # Threads that wait for each other sleep: spinning would cost processor time
    return kept | setting | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}


def main(arguments: list[str]) -> int:
    """arguments: for pytest. The number of settings under which tests fail."""
    failed = []
    tests = [f"tests/{room}" for room in CLOSED_FORM]
    for name, setting in SETTINGS.items():
        for threads in THREADS:
            title = f"{name}, {threads} {'thread' if threads == 1 else 'threads'}"
            print(f"== {title}", flush=True)
            command = [sys.executable, "-m", "pytest", "--quiet", *tests, *arguments]
            if subprocess.run(command, env=environment(setting, threads), check=False).returncode:
                failed.append(title)
    print(f"Failed under: {'; '.join(failed)}" if failed else "The same under every setting.")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
