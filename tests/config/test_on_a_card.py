"""What follows from a card that this machine has not: widths, batches and budgets as functions."""

from __future__ import annotations

import pytest

from ganwerk.config import auto, load
from ganwerk.values import DataFacts, MachineFacts, PictureShape

GIB = 2**30


def decided(preset: str, px: int, device: str, memory: int = 64 * GIB) -> dict[str, object]:
    draft = load.collect(preset=preset)
    data = DataFacts(50_000, PictureShape(px, 3))
    auto.decide(draft, data, MachineFacts(device, f"a {device}", 16, memory, memory))
    return draft.values


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
@pytest.mark.parametrize(
    ("preset", "px", "key", "value"),
    [
        ("dcgan", 32, "network.max_width", 512),
        ("stylegan", 128, "network.generator_width", 128),
        ("stylegan", 256, "network.generator_width", 64),
        ("stylegan", 512, "network.generator_width", 64),
        ("stylegan", 1024, "network.generator_width", 32),
        ("stylegan", 256, "network.max_width", 512),
        ("stylegan", 256, "network.style_size", 512),
        ("stylegan", 256, "budget.batch", 16),
        ("stylegan", 64, "budget.batch", 32),
        ("progressive", 128, "network.max_width", 512),
    ],
)
def test_widths_and_batches_on_a_card_are_the_published_ones(device, preset, px, key, value):
    """Karras et al. 2020: 16,384 / resolution channels, twice that from 512 px on, at most 512."""
    assert decided(preset, px, device)[key] == value


@pytest.mark.parametrize("preset", ["auto", "dcgan", "stylegan", "progressive", "multi-scale"])
def test_no_network_is_narrower_on_a_card(preset):
    on_card, on_cpu = decided(preset, 64, "cuda"), decided(preset, 64, "cpu")
    widths = [key for key in on_cpu if key.startswith("network.") and "width" in key]
    assert widths
    assert all(on_card[key] >= on_cpu[key] for key in widths)


@pytest.mark.parametrize("memory", [4 * GIB, 64 * GIB, 1000 * GIB])
def test_a_quarter_of_the_memory_is_for_pictures(memory):
    assert decided("auto", 64, "cuda", memory)["data.memory_mb"] == memory // 4 >> 20
    assert decided("auto", 64, "cuda")["run.device"] == "cuda"
