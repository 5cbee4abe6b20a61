"""One contender of bench/style.py in a process of its own: closures timed, peak memory.

Prints one line of JSON: seconds of each closure but the first two, and the peak of memory in bytes.
The peers are clones beside the project, given with --peers; their code is run as it is, only the
weights they would download are replaced by the given file.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import runpy
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ganwerk  # noqa: F401  (first: it sets how threads wait)

SKIPPED = 2


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
"""On a busy machine a process waits for others: its processor time counts only its own work."""


def closures(run: Any, clock: str) -> list[float]:
    """Seconds between calls of backward, of which every peer makes one per closure."""
    import torch

    marks: list[float] = []
    original: Callable[..., Any] = torch.Tensor.backward

    def marked(self: Any, *args: Any, **rest: Any) -> Any:
        marks.append(CLOCKS[clock]())
        return original(self, *args, **rest)

    with patch.object(torch.Tensor, "backward", marked):
        run()
    return [b - a for a, b in itertools.pairwise(marks)][SKIPPED:]


def neural_style_pt(given: argparse.Namespace) -> list[float]:
    sys.path.insert(0, str(given.peers / "neural-style-pt"))
    sys.argv = [
        "neural_style.py", "-content_image", str(given.content), "-style_image", str(given.style),
        "-image_size", str(given.size), "-num_iterations", str(given.closures), "-gpu", "c",
        "-backend", "nn", "-print_iter", "0", "-save_iter", "0", "-init", "random",
        "-optimizer", given.optimiser, "-seed", "0", "-model_file", str(given.weights),
        "-output_image", "/tmp/neural-style-pt.png", "-tv_weight", "1e-3", "-disable_check",
    ]  # fmt: skip
    script = str(given.peers / "neural-style-pt" / "neural_style.py")
    return closures(lambda: runpy.run_path(script, run_name="__main__"), given.clock)


def style_transfer_pytorch(given: argparse.Namespace) -> list[float]:
    import torch
    from PIL import Image
    from torchvision import models

    # Its package also imports a web server that is not needed here
    package = types.ModuleType("style_transfer")
    package.__path__ = [str(given.peers / "style-transfer-pytorch" / "style_transfer")]
    sys.modules["style_transfer"] = package
    plain = models.vgg19

    def with_weights(weights: Any = None) -> Any:
        net = plain(weights=None)
        net.load_state_dict(torch.load(given.weights, weights_only=True), strict=False)
        return net

    models.vgg19 = with_weights
    from style_transfer.style_transfer import StyleTransfer

    pictures = [Image.open(path).convert("RGB") for path in (given.content, given.style)]
    transfer = StyleTransfer(devices=["cpu"])
    return closures(
        lambda: transfer.stylize(
            pictures[0], [pictures[1]], min_scale=given.size, end_scale=given.size,
            initial_iterations=given.closures, optimizer=given.optimiser,
        ), given.clock,
    )  # fmt: skip


def ours(given: argparse.Namespace) -> list[float]:
    from ganwerk.style.recipe import recipe_of
    from ganwerk.stylisation.events import Stepped
    from ganwerk.stylisation.job import Options, Request
    from ganwerk.stylisation.verb import stylise_file

    marks: list[float] = []

    def watch(event: Any) -> None:
        if isinstance(event, Stepped):
            marks.append(CLOCKS[given.clock]())

    recipe = recipe_of("neural-style", size_px=given.size, steps=given.closures,
                       optimiser=given.optimiser, seed=0)  # fmt: skip
    request = Request(given.content, [(given.style, 1.0)], recipe, weights_file=given.converted)
    stylise_file(request, None, Options(precision=given.precision), watch)
    return [b - a for a, b in itertools.pairwise(marks)][SKIPPED:]


CONTENDERS = {"neural-style-pt": neural_style_pt, "style-transfer-pytorch": style_transfer_pytorch,
              "ganwerk": ours}  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("contender", choices=CONTENDERS)
    for name in ("content", "style", "weights", "converted", "peers"):
        options.add_argument(f"--{name}", type=Path, required=True)
    options.add_argument("--size", type=int, default=256)
    options.add_argument("--closures", type=int, default=10)
    options.add_argument("--optimiser", default="lbfgs")
    options.add_argument("--precision", default="auto")
    options.add_argument("--clock", choices=CLOCKS, default="wall")
    given = options.parse_args()
    out, sys.stdout = sys.stdout, sys.stderr
    seconds = CONTENDERS[given.contender](given)
    sys.stdout = out
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
