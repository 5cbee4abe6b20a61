"""What torch.compile would bring: both networks of a preset, as they are and compiled, in turn.

Measured are drawing (G alone, no gradients) and what a step does most (G, then D on its pictures,
forward and backward to the weights of both), each in rounds that take turns; and how long the
compiler takes before the first picture. Penalties differentiate twice, which compiled graphs
cannot, so a whole step could gain less than this. Needs a C++ compiler.

Example: python -m bench.compiled --presets auto,stylegan
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from bench.common import machine_line, parser, publish, ratio_of, spread, table
from bench.record import Row, machine, made, row
from ganwerk.config import auto, build, load
from ganwerk.runtime.machine import facts
from ganwerk.values import DataFacts, Origin, PictureShape

CALLS = 8  # of a block
Work = Callable[[nn.Module, nn.Module, Tensor], None]


def networks(preset: str, side: int) -> tuple[nn.Module, nn.Module, Tensor]:
    """Both players of a preset for unlabelled colour pictures, and latents for a batch."""
    draft = load.collect(preset=preset)
    draft.give("data.where", "noise", Origin("benchmark"))
    auto.decide(draft, DataFacts(2000, PictureShape(side, 3), (), ()), facts("cpu"))
    settings = load.settle(draft)
    generator, discriminator = build.players(settings, 0, torch.device("cpu"))
    return generator, discriminator, torch.randn(settings.budget.batch, settings.latent.dim)


def drawing(generator: nn.Module, discriminator: nn.Module, latents: Tensor) -> None:
    with torch.no_grad():
        generator(latents)


def learning(generator: nn.Module, discriminator: nn.Module, latents: Tensor) -> None:
    logits = discriminator(generator(latents))
    weights = [w for net in (generator, discriminator) for w in net.parameters()]
    torch.autograd.grad(logits.sum(), weights, allow_unused=True)


WORK: dict[str, Work] = {"drawing": drawing, "learning": learning}


def timed(work: Work, players: tuple[nn.Module, nn.Module, Tensor], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        work(*players)
    return (time.perf_counter() - start) / calls


def compare(preset: str, side: int, name: str, rounds: int) -> dict[str, Any]:
    """Milliseconds a call of both, and the seconds of the compiled one's first call."""
    torch.compiler.reset()
    plain = networks(preset, side)
    *nets, latents = plain
    # torch says only that it gives something to call; of a module it is a module
    generator, discriminator = (cast(nn.Module, torch.compile(net)) for net in nets)
    compiled = (generator, discriminator, latents)
    first = timed(WORK[name], compiled, 1)
    lanes = {"as they are": plain, "compiled": compiled}
    found: dict[str, list[float]] = {lane: [] for lane in lanes}
    for turn in range(rounds + 1):
        for lane, players in lanes.items():
            taken = timed(WORK[name], players, CALLS)
            if turn:  # the first warms up
                found[lane].append(1000 * taken)
    return {"preset": preset, "work": name, "first_call_seconds": first, "milliseconds": found}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--presets", default="auto,stylegan", help="(default: auto,stylegan)")
    options.add_argument("--side", type=int, default=64, help="of a picture in px (default: 64)")
    options.add_argument("--rounds", type=int, default=8, help="(default: 8)")
    given = options.parse_args()
    here = machine("cpu")
    print(machine_line(here), flush=True)
    results, rows, told = [], [], list[Row]()
    for preset in given.presets.split(","):
        for name in WORK:
            result = compare(preset, given.side, name, given.rounds)
            plain, compiled = (spread(ms) for ms in result["milliseconds"].values())
            told.append(row(
                f"{preset}, {name}", plain_ms=plain, compiled_ms=compiled,
                times_faster=ratio_of(*result["milliseconds"].values()),
                first_call_seconds=result["first_call_seconds"],
            ))  # fmt: skip
            rows.append([preset, name, f"{plain:.1f}", f"{compiled:.1f}",
                         f"{plain.median / compiled.median:.2f}",
                         f"{result['first_call_seconds']:.0f} s"])  # fmt: skip
            results.append(result)
            print(" ".join(rows[-1]), flush=True)
    head = ["preset", "work", "as they are, ms", "compiled, ms", "times faster", "first call"]
    print(table(head, rows))
    publish(given, made("compiled", "compiled", told, here), {"results": results})


if __name__ == "__main__":
    main()
