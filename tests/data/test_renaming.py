"""Classes under other names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import Painter

from ganwerk.data import load_pictures
from ganwerk.data.renaming import renamed
from ganwerk.errors import ConfigError, DataError

BUDGET = 1 << 28


@pytest.fixture
def fruits(tmp_path: Path, paint: Painter) -> Path:
    for place, name in enumerate(("apple", "lemon", "pomme")):
        paint(tmp_path / "fruits" / name, 10 + place, first=20 * place)
    return tmp_path / "fruits"


def test_a_class_keeps_its_place_and_its_pictures(fruits: Path) -> None:
    before = load_pictures(fruits, memory_budget_bytes=BUDGET)
    after = load_pictures(fruits, memory_budget_bytes=BUDGET, rename=["apple=zz top", "pomme=a=b"])
    assert after.class_names == ("zz top", "lemon", "a=b")
    assert after.labels is not None
    assert after.labels.tolist() == before.labels.tolist()
    assert after.health.class_names == after.class_names
    assert after.health.class_counts == (10, 11, 12)
    assert after.fingerprint == before.fingerprint
    told = [line.text for line in after.health.lines()]
    assert "Classes are renamed: apple as zz top, pomme as a=b." in told


def test_two_of_one_name_are_one_class(fruits: Path) -> None:
    for change, names, counts in (
        (["pomme=apple"], ("apple", "lemon"), (22, 11)),
        (["apple=fruit", "lemon=fruit"], ("fruit", "pomme"), (21, 12)),
        (["apple=lemon", "lemon=apple"], ("lemon", "apple", "pomme"), (10, 11, 12)),
    ):
        found = load_pictures(fruits, memory_budget_bytes=BUDGET, rename=change)
        assert found.class_names == names
        assert found.health.class_counts == counts
        assert found.labels is not None
        assert tuple(np.bincount(found.labels)) == counts


def test_one_class_is_none(fruits: Path) -> None:
    all_one = ["apple=fruit", "lemon=fruit", "pomme=fruit"]
    found = load_pictures(fruits, memory_budget_bytes=BUDGET, rename=all_one)
    assert found.labels is None
    assert found.class_names == found.health.class_names == found.health.class_counts == ()


@given(st.lists(st.sampled_from("abc"), min_size=3, max_size=3))
def test_no_picture_changes_its_company(wanted: list[str]) -> None:
    """Pictures of one class stay together, whatever the classes are called."""
    before = load_pictures("digits", memory_budget_bytes=BUDGET)
    changes = [f"{old}={new}" for old, new in zip("789", wanted, strict=True)]
    after = renamed(before, changes)
    assert before.labels is not None
    assert after.labels is not None
    names = np.array(after.class_names)[after.labels]
    called = dict(zip("789", wanted, strict=True))
    assert names.tolist() == [called.get(str(label), str(label)) for label in before.labels]
    assert after.health.class_counts == tuple(np.bincount(after.labels))


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        (["apple"], ConfigError, "'apple' gives no class another name"),
        (["aple=x"], DataError, "has no class 'aple'"),
        (["=x"], DataError, "has no class ''"),
        (["apple="], ConfigError, "The class 'apple' cannot be called ''"),
        (["apple=  "], ConfigError, "cannot be called"),
        (["apple=a\nb"], ConfigError, "cannot be called"),
        (["apple=" + "x" * 101], ConfigError, "cannot be called"),
        (["apple=x", "apple=y"], ConfigError, "both 'x' and 'y'"),
    ],
)
def test_what_cannot_be(fruits: Path, changes: list[str], kind: type, told: str) -> None:
    with pytest.raises(kind, match=told) as failure:
        load_pictures(fruits, memory_budget_bytes=BUDGET, rename=changes)
    assert failure.value.hint


def test_without_classes_there_is_nothing_to_rename(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "plain", 20)
    with pytest.raises(DataError, match="has no class 'cat'"):
        load_pictures(tmp_path / "plain", memory_budget_bytes=BUDGET, rename=["cat=dog"])
