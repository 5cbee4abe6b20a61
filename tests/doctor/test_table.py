"""The table of findings: what it names exists."""

from __future__ import annotations

import re

import pytest
from pydantic import TypeAdapter

from ganwerk.config.remedies import REMEDIES
from ganwerk.config.schema import NETWORKS, SECTIONS
from ganwerk.doctor.finding import Kind, Times
from ganwerk.doctor.table import kind, kinds
from ganwerk.errors import ConfigError

KINDS = list(kinds().values())


def codes(each: Kind) -> str:
    return each.code


def test_the_six_families_are_there():
    families = {code[:3] for code in kinds()}
    assert families == {f"GW{family}" for family in range(1, 7)}
    assert len({each.name for each in KINDS}) == len(KINDS)


@pytest.mark.parametrize("each", KINDS, ids=codes)
def test_a_kind_says_everything_in_plain_words(each: Kind):
    assert re.fullmatch(r"GW\d{3}", each.code)
    assert each.weight in ("act", "watch", "note")
    for text in (each.means, each.looks_like, each.why, each.helps):
        assert text[0].isupper() or text[0] == "`"
        assert text.endswith(".")
    m, n = each.looks
    assert 1 <= m <= n
    assert each.sample, "nothing is ever said on the game's numbers alone"


@pytest.mark.parametrize("each", KINDS, ids=codes)
def test_treatments_change_settings_that_there_are(each: Kind):
    assert len({t.name for t in each.treatments}) == len(each.treatments)
    for treatment in each.treatments:
        assert bool(treatment.change) is not treatment.anew
        assert treatment.better in ("higher", "lower")
        assert 0 < treatment.window_share < 1
        for key, value in treatment.change.items():
            section, _, name = key.partition(".")
            if section == "remedy":
                fields = REMEDIES[name].model_fields
                given = dict(value or {})
            else:
                sections = NETWORKS.values() if section == "network" else [SECTIONS[section]]
                fields = {k: v for part in sections for k, v in part.model_fields.items()}
                given = {name: value}
            for part, amount in given.items():
                adapter = TypeAdapter(fields[part].annotation)
                number = isinstance(amount, Times)
                assert (amount.factor > 0) if number else adapter.validate_python(amount) == amount


def test_a_code_is_found_in_any_case_and_an_unknown_one_is_guessed():
    assert kind("gw202").name == "One picture per class"
    with pytest.raises(ConfigError, match="no finding 'GW22'") as caught:
        kind("GW22")
    assert "Did you mean 'GW2" in caught.value.hint
