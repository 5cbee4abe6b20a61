"""How long one waits for ganwerk, and how much memory it takes.

  help        `ganwerk --help`: the median of ten calls, and which heavy libraries it imports
  first step  from typing `ganwerk train FOLDER` to the end of the first training step, for a folder
              of about 2,000 JPEGs: with an empty cache (cold) and a second time (warm)
  memory      the peak of `ganwerk train` with the preset dcgan at 64 px, less the decoded pictures

Everything runs as a process of its own, as a user starts it. The system's cache of files is not
emptied. Example: python -m bench.startup --json startup.json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import (
    Spread,
    add_data_option,
    data_folder,
    machine_line,
    parser,
    publish,
    spread,
)
from bench.record import Row, machine, made, row

HEAVY = ("torch", "numpy", "PIL", "pydantic")
GANWERK = (sys.executable, "-m", "ganwerk")
MEMORY_IMAGES = 4096
MIB = 2**20


@dataclass(frozen=True, slots=True)
class FirstStep:
    """Seconds from the start of the process: to the plan, and to the end of the first step."""

    plan_seconds: float
    step_seconds: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: the most that the process held, the decoded pictures in it, and what a process holds
    that does nothing but import torch."""

    peak_bytes: int
    picture_bytes: int
    torch_bytes: int

    @property
    def above_pictures_bytes(self) -> int:
        return self.peak_bytes - self.picture_bytes


def help_times(count: int) -> Spread:
    """Seconds of `ganwerk --help`, after one call that fills the system's cache of files."""
    found = []
    for _ in range(count + 1):
        start = time.perf_counter()
        subprocess.run([_command(), "--help"], check=True, capture_output=True)
        found.append(time.perf_counter() - start)
    return spread(found[1:])


def _command() -> str:
    """The installed `ganwerk` beside this Python."""
    return str(Path(sys.executable).with_name("ganwerk"))


def help_imports() -> list[str]:
    """Which of the heavy libraries `ganwerk --help` imports."""
    program = "\n".join(
        [
            "import sys, ganwerk.cli",
            "sys.argv = ['ganwerk', '--help']",
            "try: ganwerk.cli.main()",
            f"finally: print(*(set({HEAVY}) & sys.modules.keys()), file=sys.stderr)",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: ganwerk --help ended with exit code {done.returncode}: {done.stderr}")
    return sorted(done.stderr.split())


def events(process: subprocess.Popen[str]) -> Iterator[tuple[float, dict[str, Any]]]:
    """Each JSON line of a training with the moment of its arrival."""
    assert process.stdout is not None
    for line in process.stdout:
        yield time.perf_counter(), json.loads(line)


def start_training(folder: Path, out: Path, cache: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GANWERK, "train", str(folder), "--out", str(out), "--json", *more],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"GANWERK_CACHE": str(cache)},
    )


def first_step(folder: Path, out: Path, cache: Path) -> FirstStep:
    """Start a training, wait for the first report of its steps, stop it."""
    start, planned = time.perf_counter(), 0.0
    process = start_training(folder, out, cache)
    try:
        for now, event in events(process):
            if event.get("event") == "planned":
                planned = now - start
            elif event.get("event") == "stepped":
                # The report comes some steps after the first one, and says how many and how long.
                later = event["seconds"] * (1 - 1 / event["step"])
                return FirstStep(planned, now - start - later)
            elif event.get("ok") is False:
                sys.exit(f"error: {event['error']}")
    finally:
        process.terminate()
        process.communicate()
    sys.exit("error: the training ended before its first report.")


def memory(folder: Path, out: Path, cache: Path) -> Memory:
    """The peak of a short training of the preset dcgan at 64 px."""
    options = ["--preset", "dcgan", "--resolution", "64", "--images", str(MEMORY_IMAGES)]
    process = start_training(folder, out, cache, *options)
    pictures = 0
    for _, event in events(process):
        if event.get("event") == "planned":
            plan = event["plan"]
            pictures = plan["pictures"] * plan["channels"] * plan["resolution"] ** 2
    assert process.stdout is not None
    process.stdout.close()
    peak = peak_bytes(process)
    if not pictures:
        sys.exit("error: the training never told its plan.")
    torch = subprocess.Popen([sys.executable, "-c", "import torch"])
    return Memory(peak, pictures, peak_bytes(torch))


def peak_bytes(process: subprocess.Popen[Any]) -> int:
    """Wait for the end of the process. The most memory that it held."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"error: {process.args!r} ended with exit code {process.returncode}.")
    return int(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def measure_help(count: int) -> dict[str, Any]:
    seconds, imported = help_times(count), help_imports()
    print(f"ganwerk --help          {seconds:.3f} s, imports {', '.join(imported) or 'none'} "
          f"of {', '.join(HEAVY)}", flush=True)  # fmt: skip
    return {"seconds": seconds, "imports": imported}


def measure_first_step(folder: Path, repeats: int, place: Path) -> dict[str, Any]:
    found: dict[str, list[FirstStep]] = {"cold": [], "warm": []}
    for i in range(repeats):
        cache = place / f"cache-{i}"
        for kind, steps in found.items():
            steps.append(first_step(folder, place / f"{kind}-{i}", cache))
    result: dict[str, Any] = {}
    for kind, steps in found.items():
        planned = spread([step.plan_seconds for step in steps])
        done = spread([step.step_seconds for step in steps])
        print(
            f"first step, {kind}        {done:.1f} s (plan after {planned.median:.1f} s)",
            flush=True,
        )
        result[kind] = {"step_seconds": done, "plan_seconds": planned}
    return result


def measure_memory(folder: Path, place: Path) -> dict[str, Any]:
    found = memory(folder, place / "memory", place / "cache-memory")
    print(f"dcgan at 64 px          {found.above_pictures_bytes / MIB:,.0f} MiB above "
          f"{found.picture_bytes / MIB:,.0f} MiB of pictures; torch alone takes "
          f"{found.torch_bytes / MIB:,.0f} MiB", flush=True)  # fmt: skip
    return {
        "peak_bytes": found.peak_bytes,
        "picture_bytes": found.picture_bytes,
        "torch_bytes": found.torch_bytes,
        "above_pictures_bytes": found.above_pictures_bytes,
    }


def main() -> None:
    given = arguments()
    parts = given.only or ["help", "first-step", "memory"]
    folder = given.folder or given.data / "fruits" / "train"
    if given.folder is None and parts != ["help"]:  # help is measured without pictures
        data_folder(given.data, "fruits/train")
    result: dict[str, Any] = {"folder": folder.name}
    with tempfile.TemporaryDirectory() as text:
        place = Path(text)
        if "help" in parts:
            result["help"] = measure_help(given.help_calls)
        if "first-step" in parts:
            result["first_step"] = measure_first_step(folder, given.repeats, place)
        if "memory" in parts:
            result["memory"] = measure_memory(folder, place)
    here = machine()  # last: it imports torch
    print(machine_line(here))
    for part, rows in told(result).items():
        publish(given, made("startup", part, rows, here), result)


def told(result: dict[str, Any]) -> dict[str, list[Row]]:
    """The rows of each part's record."""
    found: dict[str, list[Row]] = {}
    if "help" in result:
        words = {"imports": ", ".join(result["help"]["imports"]) or "none"}
        found["help"] = [row("ganwerk --help", words, seconds=result["help"]["seconds"])]
    if "first_step" in result:
        found["first step"] = [row(kind, **times) for kind, times in result["first_step"].items()]
    if "memory" in result:
        found["memory"] = [row("dcgan at 64 px, batch 64", **result["memory"])]
    return found


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("--folder", type=Path, help="of pictures (default: DIR/fruits/train)")
    options.add_argument("--only", action="append", choices=["help", "first-step", "memory"])
    options.add_argument("--repeats", type=int, default=3, help="of the first step (default: 3)")
    options.add_argument("--help-calls", type=int, default=10, help="(default: 10)")
    return options.parse_args()


if __name__ == "__main__":
    main()
