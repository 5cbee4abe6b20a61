from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.config import load
from ganwerk.errors import ConfigError
from ganwerk.sweep.vary import Vary, check, parse, with_values
from ganwerk.training.prepare import Request

DIGITS = Request("digits")


@pytest.mark.parametrize(
    ("text", "vary"),
    [
        ("a.b=0.1..0.9", Vary("a.b", "float", 0.1, 0.9)),
        ("a.b=log:1e-4..1e-2", Vary("a.b", "float", 1e-4, 1e-2, log=True)),
        ("a.b = 16..128", Vary("a.b", "int", 16, 128)),
        ("a.b=log:1..1_000", Vary("a.b", "int", 1, 1000, log=True)),
        ("a.b=-1..1.5", Vary("a.b", "float", -1, 1.5)),
        ("a.b=x, y,x", Vary("a.b", "choice", choices=("x", "y"))),
        ("a.b=1,2", Vary("a.b", "choice", choices=("1", "2"))),
    ],
)
def test_what_can_be_typed(text: str, vary: Vary) -> None:
    assert parse(text) == vary


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not say"),
        ("latent.dim", "does not say"),
        ("=1..2", "does not say"),
        ("latent.dim=", "does not say"),
        ("latent.dim=64", "nothing to vary"),
        ("latent.dim=a,,b", "nothing to vary"),
        ("latent.dim=128..16", "smaller to a larger"),
        ("latent.dim=16..16", "smaller to a larger"),
        ("latent.dim=1..1e999", "smaller to a larger"),
        ("remedy.r1.weight=log:0..1", "numbers above 0"),
        ("remedy.r1.weight=log:-1..1", "numbers above 0"),
    ],
)
def test_what_is_no_range(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse(text)
    assert "--vary" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("remedy.r11.weight=0.1..1", "no remedy 'r11'", "Did you mean 'r1'?"),
        ("remedy.r1.wieght=0.1..1", "no setting 'wieght'", "Did you mean 'weight'?"),
        ("latent.dimm=16..64", "no setting 'latent.dimm'", "Did you mean 'latent.dim'?"),
        ("latnt.dim=16..64", "no setting 'latnt.dim'", "Did you mean 'latent'?"),
        ("game.loss=hinge,hnge", "cannot be 'hnge'", "players minimise"),
        ("preset=auto,dcgn", "no preset 'dcgn'", "Did you mean 'dcgan'?"),
        ("latent.dim=0..64", "cannot be 0", "numbers G starts from"),
        ("latent.dim=16.5..64", "cannot be 16.5", "numbers G starts from"),
        ("run.seed=0..5", "cannot be varied", "--seeds"),
        ("budget.images=100..500", "cannot be varied", "one budget"),
        ("run.device=cpu,cuda", "cannot be varied", "changes nothing"),
        ("data.resolution=16,32", "cannot be varied", "cannot be compared"),
    ],
)
def test_settings_that_there_are_not(text: str, said: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        check([parse(text)], DIGITS)
    assert hint in caught.value.hint


def test_something_must_vary_and_once() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        check([], DIGITS)
    with pytest.raises(ConfigError, match=r"latent\.dim is varied twice"):
        check([parse("latent.dim=16..64"), parse("latent.dim=1,2")], DIGITS)


@given(st.floats(1e-6, 1e6), st.integers(1, 4096))
def test_values_arrive_as_settings(weight: float, dim: int) -> None:
    asked = with_values(
        DIGITS,
        {"remedy.r1.weight": weight, "latent.dim": dim, "preset": "dcgan", "data.mirror": "true"},
    )
    draft = load.collect(preset=asked.preset, remedies=asked.remedies, sets=asked.sets)
    position = next(i for i, kind in draft.remedy_kinds_by_position() if kind == "r1")
    assert draft.values[f"remedy.{position}.weight"] == weight
    assert draft.values["latent.dim"] == dim
    assert draft.values["data.mirror"] is True
    assert draft.values["preset"] == "dcgan"
