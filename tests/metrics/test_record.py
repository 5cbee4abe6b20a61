from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ganwerk.errors import ConfigError
from ganwerk.metrics import Protocol, Record, compare
from ganwerk.metrics.record import Floor

PROTOCOL = Protocol(
    metric="FD", extractor="pixelpca64-v1", weights="ab", reference="cd", split="train",
    n_real=1000, n_fake=1000, channels=1, resolution=28, resize="none", seed=0,
    options={"k": 5}, versions={"torch": "2"},
)  # fmt: skip
RECORD = Record("FD[pixelpca64-v1]", 3.0, 0.1, "lower", PROTOCOL, Floor(1.0, 0.1, 20), 20.0)


def test_the_same_way_of_measuring_compares():
    assert compare(RECORD, replace(RECORD, value=2.5)) == -0.5


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "KD"}, {"extractor": "other"}, {"weights": "x"}, {"reference": "x"},
        {"split": "held-out"}, {"n_real": 5}, {"n_fake": 5}, {"channels": 3}, {"resolution": 32},
        {"resize": "x"}, {"seed": 1}, {"options": {"k": 3}}, {"versions": {"torch": "3"}},
    ],
)  # fmt: skip
def test_any_difference_in_the_protocol_is_refused_by_name(change):
    other = replace(RECORD, protocol=replace(PROTOCOL, **change))
    with pytest.raises(ConfigError, match=f"measured differently.*{next(iter(change))}: "):
        compare(RECORD, other)


def test_a_record_survives_json():
    for record in (RECORD, replace(RECORD, floor=None, z=None, error=None, notes=("so",))):
        assert Record.from_dict(json.loads(json.dumps(record.to_dict()))) == record
