"""The process that exports: python -m ganwerk.publish.child, a request as JSON on stdin.

The exporter imports torch's compiler, hundreds of megabytes; so it has a process of its own, which
ends with its work. What it found goes to stdout as one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ganwerk.errors import GanwerkError
from ganwerk.run.files import disk_errors


def build(
    run: Path, at: str | int, precision: str, title: str | None, licence: str
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of an export, and what the caller is told. Raises GanwerkError."""
    from dataclasses import asdict

    import torch

    from ganwerk.publish.card import card
    from ganwerk.publish.exported import CARD, SPACE
    from ganwerk.publish.graphs import written
    from ganwerk.publish.space import described
    from ganwerk.run import Run
    from ganwerk.run.files import to_json
    from ganwerk.sampling.sample import Sampler

    torch.set_num_threads(1)  # many small operations; more threads only wait for each other
    sampler = Sampler.open(run, at, "cpu")
    opened = Run.open(run)
    half = precision == "float16"
    files, differences = written(sampler, half)
    sizes = {name: len(content) for name, content in files.items()}
    name = title or opened.name
    space = described(sampler, run, name, half, sizes)
    text = card(opened, sampler, name, licence, sizes, differences)
    found = {**files, SPACE: to_json(space), CARD: text.encode()}
    told = {
        "images": sampler.images,
        "differences": asdict(differences),
        "directions": len(space["directions"]["vectors"]) if space["directions"] else 0,
        "warnings": list(sampler.warnings),
    }
    return found, told


def main() -> int:
    asked = json.load(sys.stdin)
    out = Path(asked.pop("out"))
    with redirect_stdout(sys.stderr):  # the exporter talks
        try:
            files, told = build(Path(asked.pop("run")), **asked)
            with disk_errors(out, needed_bytes=sum(map(len, files.values()))):
                for name, content in files.items():
                    (out / name).write_bytes(content)
        except GanwerkError as error:
            told = {"error": [type(error).__name__, error.message, error.hint]}
    print(json.dumps(told), flush=True)
    return 0


if __name__ == "__main__":
    code = main()
    os._exit(code)  # unloading the compiler takes seconds
