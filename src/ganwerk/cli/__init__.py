"""The command line: parse, call one verb of a room, render.

Help and errors of usage import nothing but click: each command sits in a module of its own, which
imports what is heavy inside the function.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn

import ganwerk
from ganwerk.cli.group import Entry, version_option
from ganwerk.cli.output import show_error
from ganwerk.cli.streams import lasting
from ganwerk.errors import GanwerkError, MachineError

COMMANDS = {
    "train": ("ganwerk.cli.train:command", "Train a GAN on your pictures."),
    "resume": ("ganwerk.cli.resume:command", "Go on with a training, or train it longer."),
    "sweep": ("ganwerk.cli.sweep:command", "Find the best settings by many trainings."),
    "finetune": ("ganwerk.cli.finetune:command", "Train on other pictures from where a run is."),
    "sample": ("ganwerk.cli.sample:command", "Draw pictures with a trained generator."),
    "draw": ("ganwerk.cli.draw:command", "Draw single pictures, steered in any way."),
    "interpolate": ("ganwerk.cli.interpolate:command", "Walk from picture to picture, as a film."),
    "mix": ("ganwerk.cli.mix:command", "Mix the styles of pictures, layer by layer."),
    "directions": (
        "ganwerk.cli.directions:command",
        "Find what a generator can change, a strip for each.",
    ),
    "project": ("ganwerk.cli.project:command", "Find what draws a given picture."),
    "evaluate": ("ganwerk.cli.evaluate:command", "Measure how good the pictures are."),
    "neighbours": (
        "ganwerk.cli.neighbours:command",
        "Show drawn beside nearest real pictures.",
    ),
    "export": ("ganwerk.cli.export:command", "Write a generator as files that need no ganwerk."),
    "publish": ("ganwerk.cli.publish:command", "Make a web page that draws in the browser."),
    "serve": ("ganwerk.cli.serve:command", "Train, watch and explore in the browser."),
    "diagnose": ("ganwerk.cli.diagnose:command", "Say what goes wrong in a training."),
    "report": ("ganwerk.cli.report:command", "Write one HTML file about a training."),
    "treatments": (
        "ganwerk.cli.treatments:command",
        "List what was tried on a training, and whether it helped.",
    ),
    "data": ("ganwerk.cli.data:command", "Look at pictures before training."),
    "lab": ("ganwerk.cli.lab:command", "Small games whose truth is known: collapse, remedies."),
    "config": ("ganwerk.cli.config:command", "Explain settings and presets."),
    "style": ("ganwerk.cli.style:command", "Redraw a photo in the style of a painting."),
    "demo": ("ganwerk.cli.demo:command", "Train on built-in digits, in two or three minutes."),
}

entry = Entry(
    "ganwerk",
    commands_by_name=COMMANDS,
    help="""Train a generative adversarial network (GAN) on your own pictures.

    \b
    Begin with:
      ganwerk demo                 see it work
      ganwerk data check pictures  are the pictures fit for it?
      ganwerk train pictures       train on a folder, a zip file or a named set
    """,
    params=[version_option(ganwerk.__version__)],
)


def main() -> None:
    """What the installed command `ganwerk` calls. Never returns."""
    outlet, code = lasting(), 0
    try:
        entry.main(prog_name="ganwerk")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    sys.stdout.flush()
    if outlet is not None and outlet.lost is not None:
        show_error(_unsaid(outlet.lost), as_json=False)
        code = code or 2
    if "torch" in sys.modules:
        _leave(code)
    sys.exit(code)


def _unsaid(reason: OSError) -> GanwerkError:
    return MachineError(
        f"What was to be printed could not be written: {reason.strerror}.",
        "The work itself was done. Send the output elsewhere: > FILE",
    )


def _leave(code: int) -> NoReturn:
    """End the process without unloading its libraries: for torch that takes most of a second and,
    in the build with CUDA, 170 MiB more memory than the work before."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
