"""Train the digit classifier that ganwerk ships for the features `lenet-mnist`.

Its weights are part of ganwerk: train it anew only with a new version number, because distances
compare only between the same weights. Prints its accuracy and the digest that
src/ganwerk/metrics/features/lenet.py has to name.

Example: python -m bench.lenet --out src/ganwerk/metrics/features/lenet-mnist-v1.safetensors
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from bench.classifier import mnist
from bench.common import add_data_option, parser
from ganwerk.metrics.features.base import digest_of
from ganwerk.metrics.features.lenet import FILE, LeNet, as_input

EPOCHS, BATCH, RATE, SHIFT_PX = 5, 128, 2e-3, 2


def train(data: Path) -> LeNet:
    """Shifted by up to 2 px, so that it does not know the training pictures by heart."""
    images, labels = mnist(data, "train")
    x, y = as_input(torch.from_numpy(images)[:, None].float()), torch.from_numpy(labels)
    torch.manual_seed(0)
    net = LeNet()
    random = torch.Generator().manual_seed(0)
    adam = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, EPOCHS * (len(x) // BATCH))
    for epoch in range(EPOCHS):
        order = torch.randperm(len(x), generator=random)
        for index in order[: len(x) // BATCH * BATCH].split(BATCH):
            adam.zero_grad(set_to_none=True)
            down, right = torch.randint(-SHIFT_PX, SHIFT_PX + 1, (2,), generator=random).tolist()
            F.cross_entropy(net(x[index].roll((down, right), (2, 3))), y[index]).backward()
            adam.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {EPOCHS}", flush=True)
    return net.eval()


@torch.inference_mode()
def accuracy(net: LeNet, data: Path) -> float:
    images, labels = mnist(data, "test")
    seen = net(as_input(torch.from_numpy(images)[:, None].float())).argmax(1)
    return float((seen.numpy() == labels).mean())


def main() -> None:
    options = parser(__doc__)
    add_data_option(options)
    options.add_argument("--out", type=Path, default=FILE, metavar="FILE", help="where it goes")
    given = options.parse_args()
    net = train(given.data)
    # Half precision halves the file; the net that is shipped is the rounded one
    tensors = {name: tensor.detach().half() for name, tensor in net.state_dict().items()}
    net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    save_file(tensors, given.out, {"format": "pt", "trained_by": "bench/lenet.py"})
    print(f"{accuracy(net, given.data):.2%} of the test digits right; "
          f"{given.out.stat().st_size / 1000:.0f} kB; digest {digest_of(tensors)}")  # fmt: skip


if __name__ == "__main__":
    main()
