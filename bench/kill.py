"""A training that is killed again and again must end bit for bit like one that was left alone.

A small network learns the built-in digits twice: once undisturbed, once killed by kill -9 at random
moments, every other one while a checkpoint is being written, and resumed each time. At the end the
weights, both networks and all moments of the optimisers must be equal to the last bit. After that,
the same with Ctrl-C (SIGINT) and SIGTERM, which must stop cleanly.

Example: python -m bench.kill --kills 20 --json kill.json (about five minutes)
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.common import machine_line, parser, publish
from bench.record import ROOT, machine, made, row

FILES = ("weights.safetensors", "state.safetensors")
IMAGES = 24_000
PRESET = "auto"
SPAN = 1.6  # all lives together train at most so many times as long as the undisturbed one
SAVE_PATIENCE_SECONDS = 20.0
EARLY = 5  # every fifth kill comes before training has begun: while loading or measuring
EARLY_SECONDS = 3.0
CLEAN = "stopped cleanly, resumed, equal to the last bit"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Death:
    """How one life ended."""

    kind: str
    seconds: float
    last_saved_images: int


@dataclass
class Outcome:
    """What became of the run that was killed."""

    deaths: list[Death] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    undisturbed_seconds: float = 0.0

    @property
    def equal(self) -> bool:
        return not self.different

    def to_dict(self) -> dict[str, Any]:
        return {"equal": self.equal} | asdict(self)


class Life:
    """One process that trains `run`."""

    def __init__(self, run: Path, images: int, preset: str) -> None:
        self.run = run
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.kill_driver", str(run), str(images), preset],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        self.started = time.perf_counter()

    def wait_for(self, event: str) -> bool:
        """Until the training tells this event. False if it ended before."""
        assert self.process.stdout is not None
        return any(line.split()[0] == event for line in self.process.stdout)

    def wait_for_save(self) -> None:
        """Until a checkpoint is half-written: its folder still has a hidden name."""
        end = time.perf_counter() + SAVE_PATIENCE_SECONDS
        folder = self.run / "checkpoints"
        while time.perf_counter() < end and self.process.poll() is None:
            if any(folder.glob(".*")):
                return
            time.sleep(0.0005)

    def end(self, number: signal.Signals) -> int:
        """Send the signal and wait. The exit code; negative: the signal that killed it."""
        self.process.send_signal(number)
        return self.finish()[0]

    def finish(self) -> tuple[int, str]:
        """The exit code, and the last line that was printed."""
        text, _ = self.process.communicate()
        return self.process.returncode, text.strip().rpartition("\n")[2]


def newest(run: Path) -> int:
    """Images of the newest checkpoint, 0 without one."""
    folder = run / "checkpoints"
    names = [path.name for path in folder.glob("[0-9]*")] if folder.is_dir() else []
    return max(map(int, names), default=0)


def undisturbed(run: Path, images: int, preset: str) -> float:
    """Train to the end in one life. Seconds of training."""
    life = Life(run, images, preset)
    life.wait_for("planned")
    start = time.perf_counter()
    code, _ = life.finish()
    if code:
        raise RuntimeError(f"the undisturbed training ended with exit code {code}")
    return time.perf_counter() - start


def kill_once(life: Life, number: int, span: float, chance: random.Random) -> str | None:
    """Kill -9 at a random moment. How it was; None if the training had finished before."""
    if number % EARLY == EARLY - 1:
        kind = "before training"
        time.sleep(chance.uniform(0, EARLY_SECONDS))
    else:
        kind = "while saving" if number % 2 else "at any moment"
        if not life.wait_for("planned"):
            return None
        time.sleep(chance.uniform(0, span))
        if kind == "while saving":
            life.wait_for_save()
    return kind if life.end(signal.SIGKILL) == -signal.SIGKILL else None


def differences(run: Path, other: Path) -> list[str]:
    """The files of the last checkpoints that are not equal byte for byte."""
    images = newest(run)
    if images != newest(other):
        return [f"images: {newest(other)} instead of {images}"]
    places = [path / "checkpoints" / f"{images:09d}" for path in (run, other)]
    return [
        name for name in FILES if (places[0] / name).read_bytes() != (places[1] / name).read_bytes()
    ]


def torture(folder: Path, kills: int, images: int, preset: str, seed: int, say: Say) -> Outcome:
    """Kill a training `kills` times, let it finish, compare it with an undisturbed one."""
    outcome, chance = Outcome(), random.Random(seed)
    alone, killed = folder / "alone", folder / "killed"
    outcome.undisturbed_seconds = undisturbed(alone, images, preset)
    say(f"undisturbed: {outcome.undisturbed_seconds:.1f} s of training")
    span = SPAN * outcome.undisturbed_seconds / kills
    for number in range(kills):
        life = Life(killed, images, preset)
        kind = kill_once(life, number, span, chance)
        if kind is None:
            say("the training finished before the next kill: give it more --images")
            break
        death = Death(kind, time.perf_counter() - life.started, newest(killed))
        outcome.deaths.append(death)
        say(f"kill {number + 1} of {kills} {death.kind}, after {death.seconds:.1f} s; "
            f"the last checkpoint has {death.last_saved_images:,} images")  # fmt: skip
    else:
        code, _ = Life(killed, images, preset).finish()
        if code:
            outcome.different.append(f"exit code {code} of the last life")
    outcome.different += differences(alone, killed)
    return outcome


def stop_cleanly(folder: Path, number: signal.Signals, images: int, preset: str) -> list[str]:
    """Ask a training to stop, resume it, compare it with `alone`. What was not as it should be."""
    run = folder / number.name
    life = Life(run, images, preset)
    life.wait_for("stepped")
    life.process.send_signal(number)
    code, last = life.finish()
    wrong = [] if (code, last) == (0, "ended stopped") else [f"exit code {code}, said '{last}'"]
    if not 0 < newest(run) < images:
        wrong.append(f"stopped at {newest(run)} of {images} images")
    code, last = Life(run, images, preset).finish()
    wrong += [] if (code, last) == (0, "ended finished") else [f"exit code {code}, said '{last}'"]
    return wrong + differences(folder / "alone", run)


def main() -> None:
    given = arguments()
    here = machine("cpu")
    print(machine_line(here), flush=True)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        outcome = torture(folder, given.kills, given.images, given.preset, given.seed, _say)
        stops = {
            number.name: stop_cleanly(folder, number, given.images, given.preset)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
    result = "equal to the last bit" if outcome.equal else f"DIFFERENT: {outcome.different}"
    _say(f"{len(outcome.deaths)} times killed: {result}")
    for name, wrong in stops.items():
        _say(f"{name}: {wrong or CLEAN}")
    told = [row("kill -9", {"result": result}, kills=len(outcome.deaths))]
    told += [row(name, {"result": str(wrong or CLEAN)}, stops=1) for name, wrong in stops.items()]
    publish(given, made("kill", "resumed", told, here),
            {"killed": outcome.to_dict(), "stopped": stops})  # fmt: skip
    failed = not outcome.equal or len(outcome.deaths) < given.kills or any(stops.values())
    sys.exit(1 if failed else 0)


def _say(line: str) -> None:
    print(line, flush=True)


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--kills", type=int, default=20, help="(default: 20)")
    options.add_argument(
        "--images", type=int, default=IMAGES, help=f"of the training (default: {IMAGES:,})"
    )
    options.add_argument("--preset", default=PRESET, help=f"with convolutions (default: {PRESET})")
    options.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    return options.parse_args()


if __name__ == "__main__":
    main()
