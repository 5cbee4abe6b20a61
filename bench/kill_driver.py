"""One life of a training that is going to be killed: begins the run, or goes on with it.

Prints the name of each event as it happens, for the killer to count on.
Usage: python -m bench.kill_driver RUN IMAGES PRESET
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ganwerk.runtime.events import Ended, Event, Preparing
from ganwerk.training.train import Request, resume, train

SETTINGS: dict[str, Any] = {
    "budget.batch": 16,
    "latent.dim": 16,
    "network.generator_width": 8,
    "network.discriminator_width": 8,
    "network.max_width": 32,
    "run.checkpoint_minutes": 0.02,
    "run.picture_seconds": 2.0,
    "run.precision": "float32",  # measuring at start might choose otherwise in the other run
    "run.device": "cpu",
}


def watch(event: Event) -> None:
    if isinstance(event, Preparing):
        return
    detail = event.reason if isinstance(event, Ended) else ""
    print(type(event).__name__.lower(), detail, flush=True)


def main() -> None:
    run, images, preset = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if run.exists():
        resume(run, watch=watch)
        return
    asked = SETTINGS | {"budget.images": images}
    flags = {key: (value, "benchmark") for key, value in asked.items()}
    train(Request(where="digits", preset=preset, flags=flags, out=run), watch)


if __name__ == "__main__":
    main()
