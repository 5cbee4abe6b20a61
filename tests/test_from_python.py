"""What Python gives is checked as what is typed: the same sentences, and nothing is begun."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganwerk
from ganwerk import checks
from ganwerk.api import Trained, request
from ganwerk.config import load
from ganwerk.errors import ConfigError, DataError, GanwerkError
from ganwerk.evaluation.evaluate import Wanted, evaluate_checkpoints, evaluate_places, evaluate_run
from ganwerk.evaluation.neighbours import neighbours

NO_AMOUNTS = (
    0, -1, float("nan"), float("inf"), 1e308, 10**400, True, np.bool_(True), Decimal(1), "soon",
    [3], int, np.float32("nan"), np.array([1.0, 2.0]), 1 + 0j,
)  # fmt: skip


@pytest.mark.parametrize("amount", NO_AMOUNTS, ids=lambda value: checks.shown(repr(value)))
@pytest.mark.parametrize("unit", ["minutes", "images", "epochs"])
def test_amounts(unit: str, amount: Any) -> None:
    for begin in (ganwerk.train, ganwerk.plan, ganwerk.resume):
        with pytest.raises(ConfigError, match=f"--{unit} cannot be") as caught:
            begin("nowhere", **{unit: amount})
        assert caught.value.hint
        assert len(caught.value.message) < 200


@pytest.mark.parametrize("amount", [320, 320.0, np.int8(32), np.float32(3), np.array(7), "200k"])
def test_amounts_that_numpy_counts(amount: Any) -> None:
    kind, value, _ = checks.budget(images=amount) or pytest.fail("no budget")
    assert (kind, type(value)) == ("images", int)


def test_two_budgets_are_refused_as_on_the_command_line() -> None:
    sentence = "A training has one budget, and here are 2: --minutes 1 and --images 5."
    for begin in (ganwerk.train, ganwerk.plan, ganwerk.resume):
        with pytest.raises(ConfigError) as caught:
            begin("nowhere", minutes=1, images=5)
        assert caught.value.message == sentence


@pytest.mark.parametrize("others", [{"budget.images": 5}, {"budget.epochs": 5}])
def test_a_budget_among_the_settings_is_the_second(others: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one budget, and here are 2"):
        ganwerk.train("nowhere", minutes=1, settings=others)
    with pytest.raises(ConfigError, match="one budget, and here are 2"):
        load.collect(flags={"budget.minutes": (1, "--minutes 1")}, sets=["budget.images = 5"])
    file = tmp_path / "two.toml"
    file.write_text("[budget]\nminutes = 1\nimages = 5\n")
    with pytest.raises(ConfigError, match="here are 2: minutes = 1 and images = 5"):
        load.collect(file=file)
    file.write_text("[budget]\nminutes = 1\n")  # a flag takes its place
    draft = load.collect(file=file, flags={"budget.images": (5, "--images 5")})
    assert draft.values["budget.images"] == 5
    assert "budget.minutes" not in draft.values


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": True}, "budget.batch cannot be True"),
        ({"batch": 10**20}, "budget.batch cannot be 1000000"),
        ({"batch": float("nan")}, "budget.batch cannot be nan"),
        ({"batch": -2}, "budget.batch cannot be -2"),
        ({"seed": -1}, "run.seed cannot be -1"),
        ({"seed": True}, "run.seed cannot be True"),
        ({"resolution": 10**9}, "data.resolution cannot be"),
        ({"resolution": np.int64(17)}, "cannot draw pictures of 17 px"),
        ({"settings": {"average.half_life_images": float("inf")}}, "images cannot be inf"),
        ({"settings": {"optimiser.beta1": np.float64("nan")}}, "optimiser.beta1 cannot be nan"),
        ({"settings": {"network.kind": "mlp", "network.generator_widths": [8, True]}}, "not true"),
        ({"remedies": "r3"}, "There is no remedy 'r3'"),
        ({"remedies": [1]}, "--remedy cannot be"),
        ({"remedies": ["r1:weight=inf"]}, "remedy.0.weight cannot be inf"),
        ({"remedies": "unrolled:steps=true"}, "steps cannot be True"),
        ({"config": "https://a.org/b.toml"}, "is an address"),
        ({"out": Path("https://a.org/b")}, "is an address"),
    ],
    ids=str,
)  # fmt: skip
def test_settings(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ganwerk.train("nowhere", **options)
    assert message in caught.value.message


def test_a_remedy_alone_is_a_list_of_one() -> None:
    assert request("x", remedies="r1").remedies == request("x", remedies=["r1"]).remedies == ("r1",)


def test_numpys_numbers_are_settings() -> None:
    widths = {"network.kind": "mlp", "network.generator_widths": np.array([8, 16])}
    asked = request(
        Path("x"), images=np.int64(320), batch=np.int16(16), seed=np.uint8(3),
        mirror=np.bool_(True), settings=widths | {"latent.dim": np.int32(8)},
    )  # fmt: skip
    draft = load.collect(flags=asked.flags)
    assert draft.values["budget.images"] == 320
    assert draft.values["data.mirror"] is True
    assert draft.values["network.generator_widths"] == [8, 16]


def test_seeds_of_every_kind_draw_the_same(digits_run: Path) -> None:
    trained = Trained(str(digits_run))
    wanted = trained.sample([3, 5])
    for seeds in ((3, 5), np.array([3, 5]), [np.int8(3), np.uint64(5)], iter([3, 5]), "3,5",
                  range(3, 6, 2), [3.0, np.float32(5)], np.array([3.0, 5.0])):  # fmt: skip
        assert np.array_equal(trained.sample(seeds), wanted)
    assert np.array_equal(
        trained.sample([3, 5], classes="4"), trained.sample([3, 5], classes=np.array(["4"]))
    )


@pytest.mark.parametrize(
    "seeds",
    [5, np.int64(5), np.array(5), [True], [1.5], [-1], [2**63], ["7"], [None], [], np.array([]), "",
     "5-2", None, [[1, 2]], np.zeros((2, 2)), [float("nan")], range(10**9), iter(int, 1)],
    ids=lambda value: checks.shown(repr(value)).split(" at 0x")[0],
)  # fmt: skip
def test_what_are_no_seeds(digits_run: Path, seeds: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        Trained(digits_run).sample(seeds)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truncation": float("nan")}, "truncation of nan"),
        ({"truncation": True}, "truncation of True"),
        ({"truncation": "0.5"}, "truncation of 0.5"),
        ({"classes": "lemon"}, "There is no class 'lemon'"),
        ({"classes": ["4", 5]}, "--class cannot be"),
        ({"classes": 4}, "--class cannot be 4"),
        ({"at": True}, "--at cannot be True"),
        ({"at": -1}, "--at cannot be -1"),
        ({"at": "soon"}, "--at cannot be 'soon'"),
        ({"at": 1.5}, "--at cannot be 1.5"),
    ],
    ids=str,
)
def test_drawing(digits_run: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Trained(digits_run).sample([1], **options)
    assert message in caught.value.message


def test_stops_of_every_kind(digits_run: Path, tmp_path: Path) -> None:
    trained, paths = Trained(digits_run), []
    for number, stops in enumerate(([1, 2], np.array([1, 2]), "1,2", (np.int8(1), 2.0))):
        trained.interpolate(stops, str(tmp_path / f"{number}.png"), loop=False)
        paths.append((tmp_path / f"{number}.png").read_bytes())
    assert len(set(paths)) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": float("nan")}, "--seconds"), ({"seconds": True}, "--seconds"),
        ({"rate": float("inf")}, "--rate"), ({"rate": "fast"}, "--rate"),
        ({"side_px": 10**9}, "--size"), ({"side_px": True}, "--size"),
        ({"side_px": 64.5}, "--size"), ({"seconds": 1e6, "rate": 120}, "frames"),
        ({"stops": 5}, "--seeds"), ({"stops": "1,x"}, "--seeds"),
        ({"stops": [True, 2]}, "True"), ({"stops": range(10**9)}, "--seeds"),
    ],
    ids=str,
)  # fmt: skip
def test_walks(digits_run: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    options = {"stops": [1, 2], "out": tmp_path / "w.gif"} | options
    with pytest.raises(ConfigError, match=message):
        Trained(digits_run).interpolate(**options)
    assert not (tmp_path / "w.gif").exists()


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("directions", {"count": 10**9}, "--count"), ("directions", {"count": True}, "--count"),
        ("directions", {"strength": float("nan")}, "--strength"),
        ("project", {"photo": "p.png", "steps": 10**20}, "--steps"),
        ("project", {"photo": "p.png", "tries": 10**9}, "--tries"),
        ("project", {"photo": "p.png", "tune": float("nan")}, "--tune"),
        ("mix", {"rows": 3, "columns": [1]}, "--rows"),
        ("mix", {"rows": [1], "columns": "x"}, "--columns"),
    ],
    ids=str,
)  # fmt: skip
def test_other_verbs(
    digits_run: Path, tmp_path: Path, verb: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        getattr(Trained(digits_run), verb)(out=tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": "pixelpca"}, "no features 'pixelpca'"), ({"features": ""}, "No features"),
        ({"count": True}, "--count cannot be True"), ({"count": -3}, "--count cannot be -3"),
        ({"count": float("nan")}, "--count cannot be nan"), ({"count": 10**9}, "--count cannot be"),
        ({"count": np.int8(3)}, "3 pictures are too few"), ({"seed": 2**32}, "--seed cannot be"),
        ({"seed": True}, "--seed cannot be True"), ({"split": "all of it"}, "no split"),
    ],
    ids=str,
)  # fmt: skip
def test_evaluations(changes: dict[str, Any], message: str) -> None:
    wanted = Wanted(**changes)
    for measure in (
        lambda: evaluate_run("nowhere", wanted),
        lambda: evaluate_checkpoints("nowhere", wanted),
        lambda: evaluate_places(Path("nowhere"), "nowhere", wanted),
    ):
        with pytest.raises((ConfigError, DataError), match=message):
            measure()


@pytest.mark.parametrize("options", [{"count": 10**9}, {"pairs": 0}, {"pairs": True}, {"count": 5}])
def test_neighbours(digits_run: Path, options: dict[str, Any]) -> None:
    with pytest.raises(GanwerkError) as caught:
        neighbours(str(digits_run), **options)
    assert caught.value.hint
    assert not (digits_run / "neighbours.png").exists()


PHOTO = np.zeros((64, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": float("nan")}, "--size"), ({"size": True}, "--size"), ({"size": 10**9}, "--size"),
        ({"strength": float("nan")}, "--strength"), ({"strength": "much"}, "--strength"),
        ({"steps": 10**20}, "--steps"), ({"steps": 1.5}, "--steps"), ({"tile": -1}, "--tile"),
        ({"tile": float("nan")}, "--tile"), ({"seed": True}, "--seed"),
        ({"style_size": 1e308}, "--style-scale"), ({"clamp": 1}, "--clamp"),
        ({"backbone": 5}, "--backbone"), ({"content_layers": 5}, "--content-layers"),
        ({"layer_weights": "1,x"}, "--layer-weights"), ({"rate": True}, "--rate"),
        ({"styles": (PHOTO, -1)}, "weight of a style"), ({"styles": [(PHOTO, "2")]}, "weight"),
        ({"styles": "https://a.org/b.jpg"}, "is an address"),
        ({"content": "https://a.org/b.jpg"}, "is an address"),
        ({"out": "https://a.org/b.jpg"}, "is an address"),
    ],
    ids=lambda value: checks.shown(repr(value)),
)  # fmt: skip
def test_style_transfers(options: dict[str, Any], message: str) -> None:
    options = {"content": PHOTO, "styles": PHOTO} | options
    with pytest.raises(ConfigError, match=message):
        ganwerk.stylise(**options)


def test_a_mask_alone_is_a_list_of_one(tmp_path: Path) -> None:
    painting = np.zeros((128, 128, 3), np.uint8)
    with pytest.raises(DataError, match=r"There is no mask .*mask\.png"):
        ganwerk.stylise(PHOTO, painting, masks=str(tmp_path / "mask.png"))
