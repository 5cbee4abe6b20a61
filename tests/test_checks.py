"""How values are written: budgets, counts, seeds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk import checks
from ganwerk.checks import MOST_SEEDS, count, parse_seeds, positive
from ganwerk.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("200000", 200_000),
        ("200_000", 200_000),
        ("200k", 200_000),
        ("1.5M", 1_500_000),
        ("1.5m", 1_500_000),
        ("0.064 K", 64),
    ],
)
def test_counts(text: str, value: int) -> None:
    assert count(text, "--images") == value


@pytest.mark.parametrize(
    "text", ["", "0", "-3", "x", "1.5", "1.2345k", "2G", "1e5", "k", "_1", "٣"]
)
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        count(text, "--images")
    assert f"--images cannot be '{text}'" in caught.value.message
    assert "200k" in caught.value.hint


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "x", ""])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        positive(text, "--minutes")
    assert "above 0" in caught.value.hint


def test_a_budget_keeps_how_it_was_typed() -> None:
    assert checks.budget(None, None, None) is None
    assert checks.budget("20", None, None) == ("minutes", 20.0, "--minutes 20")
    assert checks.budget(None, "1.5M", None) == ("images", 1_500_000, "--images 1.5M")
    assert checks.budget(None, None, "2.5") == ("epochs", 2.5, "--epochs 2.5")


def test_two_budgets_are_one_too_many() -> None:
    with pytest.raises(ConfigError) as caught:
        checks.budget("20", "200k", None)
    assert caught.value.message.endswith("here are 2: --minutes 20 and --images 200k.")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", (7,)),
        ("0-3", (0, 1, 2, 3)),
        ("0-1,70, 80 - 81", (0, 1, 70, 80, 81)),
        ("5,1-2", (5, 1, 2)),
        ("1-3,2-4", (1, 2, 3, 4)),
        ("3-3", (3,)),
        (str(2**63 - 1), (2**63 - 1,)),
    ],
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "-1", "5-2", "1,,2", "1-", "1-2-3", "1.5", "0x10"])
def test_what_are_no_seeds(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_seeds(text)
    assert f"--seeds cannot be '{text}'" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("text", ["0-999999999999", f"0-1,5-{MOST_SEEDS + 4}", str(2**63)])
def test_too_many_seeds(text: str) -> None:
    with pytest.raises(ConfigError, match="too much"):
        parse_seeds(text)


def test_a_range_that_goes_backwards_is_turned_round_in_the_hint() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_seeds("5-2")
    assert caught.value.hint == "Write the smaller number first: 2-5"


def write_seeds(seeds: list[int]) -> str:
    """The shortest text that `parse_seeds` reads back. Ascending neighbours become a range."""
    ranges: list[list[int]] = []
    for seed in seeds:
        if ranges and seed == ranges[-1][1] + 1:
            ranges[-1][1] = seed
        else:
            ranges.append([seed, seed])
    return ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in ranges)


@given(st.lists(st.integers(0, 300) | st.integers(0, 2**63 - 1), unique=True, min_size=1))
def test_seeds_survive_writing_and_reading(seeds: list[int]) -> None:
    assert parse_seeds(write_seeds(seeds)) == tuple(seeds)


def test_which_checkpoint() -> None:
    assert checks.at("latest") == "latest"
    assert checks.at("best") == "best"
    assert checks.at("12k") == 12_000
    with pytest.raises(ConfigError, match="--at cannot be 'newest'"):
        checks.at("newest")
