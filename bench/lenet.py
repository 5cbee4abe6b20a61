"""Make the digit classifier that ganwerk ships for the features `lenet-mnist`.

It is the judge of bench/classifier.py (trained first if it is not in its cache), in half precision.
Its weights are part of ganwerk: make it anew only under a new version number, because distances
compare only between the same weights. Prints its accuracy and the digest that
src/ganwerk/metrics/features/lenet.py has to name.

Example: python -m bench.lenet
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from bench.classifier import add_cache_option, judge, mnist
from bench.common import add_data_option, machine_line, parser, publish
from bench.record import machine, made, row
from ganwerk.metrics.features.base import digest_of
from ganwerk.metrics.features.lenet import FILE, LeNet, as_input


@torch.inference_mode()
def accuracy(net: LeNet, data: Path) -> float:
    images, labels = mnist(data, "test")
    seen = net(as_input(torch.from_numpy(images.copy())[:, None].float())).argmax(1)
    return float((seen.numpy() == labels).mean())


def main() -> None:
    options = parser(__doc__)
    add_data_option(options)
    add_cache_option(options)
    options.add_argument("--out", type=Path, default=FILE, metavar="FILE", help="where it goes")
    given = options.parse_args()
    here = machine("cpu")
    print(machine_line(here), flush=True)
    weights = judge(given.data, given.cache).net.state_dict()
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in weights.items()}
    net = LeNet()
    net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    save_file(tensors, given.out, {"format": "pt", "trained_by": "bench/classifier.py"})
    share, size, digest = accuracy(net, given.data), given.out.stat().st_size, digest_of(tensors)
    print(f"{share:.2%} of the test digits right; {size / 1000:.0f} kB; digest {digest}")
    told = row("lenet-mnist", {"digest": digest}, accuracy_percent=100 * share, file_bytes=size)
    publish(given, made("lenet", "classifier", [told], here), {"digest": digest})


if __name__ == "__main__":
    main()
