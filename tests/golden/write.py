"""Write the golden curves and traces anew."""

from __future__ import annotations

import json

import torch

from ganwerk.config.load import preset_names
from tests.golden.curves import curve, path_of
from tests.golden.traces import write

torch.set_num_threads(1)
for preset in preset_names():
    rounded = [[float(f"{value:.7g}") for value in pair] for pair in curve(preset)]
    path_of(preset).write_text(json.dumps(rounded) + "\n")
    print(preset, rounded[-1])
write()
