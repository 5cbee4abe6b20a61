"""Settings of another shape, in files and in --set: a clean error, whatever they are."""

from __future__ import annotations

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganwerk.config.load import collect, from_toml
from ganwerk.errors import ConfigError

KEYS = ["preset", "data", "network", "kind", "remedy", "game", "loss", "run", "device", "budget",
        "images", "latent", "dim", "weight", "0", "x", "", "a.b"]  # fmt: skip
VALUES = st.recursive(
    st.none().map(lambda _: "unrolled") | st.booleans() | st.integers() | st.floats()
    | st.sampled_from(["dcgan", "r1", "hinge", "", "x" * 300, "\x1b[31m"]) | st.dates(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(table=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_a_file_of_any_shape(tmp_path, table):
    file = tmp_path / "mine.toml"
    file.write_text(tomli_w.dumps(table))
    for read in (lambda: collect(file=file), lambda: from_toml(tomli_w.dumps(table), "run.toml")):
        try:
            read()
        except ConfigError as error:
            assert error.message
            assert error.hint


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    key=st.lists(st.sampled_from(KEYS), min_size=1, max_size=4).map(".".join),
    value=VALUES.map(lambda value: tomli_w.dumps({"v": value}).partition("=")[2]) | st.text(),
)
def test_a_set_of_any_shape(key, value):
    try:
        collect(sets=[f"{key}={value}"])
    except ConfigError as error:
        assert error.hint


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "a = " + "[" * 50_000, "a = " + "9" * 5000, "a = 1\x00", "preset = []"]
)
def test_files_without_measure(tmp_path, text):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        collect(file=tmp_path / "mine.toml")
    assert caught.value.hint
    with pytest.raises(ConfigError):
        from_toml(text, "run.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network.kind=[]", r"There is no network '\[\]'"),
        ("remedy=1", "There is no setting 'remedy': remedies are a list"),
        ("remedy=[]", "There is no setting 'remedy'"),
        ("remedy.x.kind=unrolled", r"There is no setting 'remedy\.x\.kind'"),
        ("remedy.0=3", r"There is no setting 'remedy\.0'"),
        ("remedy.0.kind=[1]", r"There is no remedy '\[1\]'"),
        ("=3", "There is no setting ''"),
        ("game.loss.x=3", r"There is no setting 'game\.loss\.x'"),
    ],
)
def test_examples(text, message):
    with pytest.raises(ConfigError, match=message):
        collect(sets=[text])


def test_a_setting_of_another_network_names_that_network():
    with pytest.raises(ConfigError, match="of the network 'resnet'") as caught:
        collect(sets=["network.kind=resnet", "network.init=smooth"])
    assert "dcgan. Choose one with --set network.kind=" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        collect(sets=["network.kind=resnet", "network.generator_widht=8"])
    assert "generator_width" in caught.value.hint
