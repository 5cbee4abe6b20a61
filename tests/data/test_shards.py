"""Shards written, read from a folder, over http and from an object store; bad ones refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from picture_files import Painter
from tests.shard_server import Server, serving

from ganwerk.data import Feeder, Pictures, Sampler, load_pictures
from ganwerk.data.shards import load as loading
from ganwerk.data.shards import transport
from ganwerk.data.shards.store import Shards
from ganwerk.data.shards.write import write_shards
from ganwerk.errors import ConfigError, DataError, GanwerkError, MachineError
from ganwerk.values import ignore_progress

RECORD = 3 * 16 * 16
SHARD = 5 * RECORD
NEAR = 12


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve pictures at hand instead of thousands; no pauses between tries."""
    monkeypatch.setattr(loading, "NEAR_PICTURES", NEAR)
    monkeypatch.setattr(transport, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture
def pictures(tmp_path: Path, paint: Painter) -> Pictures:
    paint(tmp_path / "p" / "a", 20, height=16, width=16)
    paint(tmp_path / "p" / "b", 31, first=20, height=16, width=16)
    return load_pictures(tmp_path / "p", memory_budget_bytes=1 << 26)


@pytest.fixture
def written(tmp_path: Path, pictures: Pictures) -> Path:
    """Eleven shards of five pictures, the last of one."""
    target = tmp_path / "shards"
    write_shards(pictures, target, shard_mb=SHARD / 2**20, progress=ignore_progress)
    return target


@pytest.fixture
def server(written: Path) -> Iterator[Server]:
    with serving(written) as running:
        yield running


def load(where: object, **options: Any) -> Pictures:
    return load_pictures(str(where), **{"memory_budget_bytes": 1 << 26, **options})


def lazy(where: object, cache_bytes: int = 10 * SHARD, **options: Any) -> Pictures:
    """Not all at hand: three shards near, and windows of three."""
    return load(where, shard_cache_bytes=cache_bytes, **options)


def settled(shards: Shards) -> None:
    """Wait until all that is wanted is here."""
    deadline = time.monotonic() + 60
    while not set(shards._wanted) <= shards._ready:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_shards_hold_the_pictures(pictures: Pictures, written: Path, server: Server) -> None:
    for where in (written / "index.json", written, server.index):
        found = load(where)
        assert np.array_equal(found.images, pictures.images)
        assert np.array_equal(found.labels, pictures.labels)
        assert found.class_names == ("a", "b")
        assert found.windows is found.near is None
        assert (found.facts(), found.fit) == (pictures.facts(), "crop")
        assert [one.tolist() for one in found.split(4)] == [
            one.tolist() for one in pictures.split(4)
        ]
    assert sorted(path.name for path in written.iterdir()) == [
        "index.json", "labels.bin", *(f"shard-{number:05d}.bin" for number in range(11)),
    ]  # fmt: skip


def test_each_shard_is_a_sample_of_all(written: Path, pictures: Pictures) -> None:
    index = loading._index_at(transport.Place(str(written / "index.json")))
    assert pictures.labels is not None
    classes = pictures.labels[np.argsort(index.record_of)]
    mixed = [len(set(part.tolist())) > 1 for part in np.split(classes, index.ends[:-1])]
    assert sum(mixed) >= 8


def test_a_larger_set_stays_where_it_is(pictures: Pictures, written: Path) -> None:
    found = load(written, memory_budget_bytes=1000)
    assert isinstance(found.images, Shards)
    assert found.images.nbytes == 0
    numbers = np.array([50, 3, 3, 0, 17])
    assert np.array_equal(found.images[numbers], pictures.images[numbers])
    assert found.split(0)[1].tolist() == pictures.split(0)[1].tolist()


def test_the_place_does_not_change_the_order(written: Path, server: Server) -> None:
    far, near = lazy(server.index), lazy(written, window=3)
    fed = []
    for found in (far, near):
        assert found.windows is not None
        assert found.windows.size == 3
        assert found.near is not None
        assert 12 <= len(found.near) <= 15
        train, held_out = found.split(0)
        assert set(held_out) <= set(found.near)
        assert sorted([*train, *held_out]) == list(range(51))
        feeder = Feeder(found, Sampler(train, 4, 0, found.windows), mirror=True, with_labels=True)
        fed.append([feeder.batch(i) for i in (0, 1, 2, 11, 12, 40)])
    for one, other in zip(*fed, strict=True):
        assert one.images.equal(other.images)
        assert one.labels is not None
        assert other.labels is not None
        assert one.labels.equal(other.labels)


def test_reading_never_waits_after_the_first_window(server: Server, pictures: Pictures) -> None:
    found = lazy(server.index)
    shards = found.images
    assert isinstance(shards, Shards)
    train, _ = found.split(0)
    sampler = Sampler(train, 4, 0, found.windows)
    feeder = Feeder(found, sampler)
    feeder.batch(0)
    first = shards.waits
    for i in range(1, 60):
        settled(shards)
        taken = np.sum([path.stat().st_size for path in shards.kept_in.glob("*/*")])
        assert taken <= 10 * SHARD
        assert len(shards._files) <= 9
        batch = feeder.batch(i)
        expected = pictures.images[sampler.batch(i)]
        assert np.array_equal(np.rint((batch.images.numpy() + 1) * 127.5), expected)
    assert shards.waits == first <= 3


def test_what_is_in_the_cache_is_not_fetched_again(server: Server) -> None:
    load(server.index, memory_budget_bytes=1000).images[np.arange(51)]
    before = server.asked.copy()
    assert min(before[f"shard-{number:05d}.bin"] for number in range(11)) == 1
    load(server.index).images[np.arange(51)]
    assert {name for name in server.asked if server.asked[name] > before[name]} == {
        "index.json", "labels.bin",
    }  # fmt: skip


def test_a_shard_that_another_process_cleared_away_is_fetched_again(server: Server) -> None:
    found = lazy(server.index)
    assert isinstance(found.images, Shards)
    for path in found.images.folder.iterdir():
        path.unlink()
    assert found.near is not None
    assert len(found.images[found.near]) == len(found.near)


def test_damage_in_the_cache_is_repaired(server: Server, pictures: Pictures) -> None:
    load(server.index)
    for path in loading.cache_home(None).glob("shards/*/*"):
        path.write_bytes(bytes(path.stat().st_size))
    assert np.array_equal(load(server.index).images, pictures.images)


@pytest.mark.parametrize("kind", ["busy", "cut short", "damaged"])
def test_a_failure_that_passes_is_not_seen(server: Server, pictures: Pictures, kind: str) -> None:
    def twice(_name: str, content: bytes, before: int) -> tuple[int, bytes]:
        bad = {"busy": b"", "cut short": content[:100], "damaged": bytes(len(content))}[kind]
        fails = before < 2 and (kind == "busy" or _name.startswith("shard"))
        return (503 if kind == "busy" else 200, bad) if fails else (200, content)

    server.answer = twice
    assert np.array_equal(load(server.index).images, pictures.images)


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (403, b"", "answers 403"),
        (404, b"", "answers 404"),
        (503, b"", "answers 503"),
        (200, b"xyz", "of 3,840 bytes came"),
        (200, bytes(SHARD), "another content than its index says"),
        (200, bytes(2 * SHARD), "more than the 3,840 bytes"),
    ],
)
def test_a_failure_that_stays_is_told(
    server: Server, status: int, content: bytes, said: str
) -> None:
    server.answer = lambda name, right, _: (
        (status, content) if name == "shard-00003.bin" else (200, right)
    )
    if len(content) > SHARD:
        server.folder.joinpath("shard-00003.bin").write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        load(server.index)
    assert f"{server.address}/shard-00003.bin" in caught.value.message
    assert "curl" in caught.value.hint
    # Once ahead of its use, and, as that failed, once more when it is needed.
    tries = 1 if status in (403, 404) else transport.TRIES
    assert server.asked["shard-00003.bin"] in (tries, 2 * tries)


def test_a_server_that_says_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "SILENCE_SECONDS", 0.05)

    def slow(name: str, content: bytes, before: int) -> tuple[int, bytes]:
        time.sleep(0.2 if name == "labels.bin" else 0)
        return 200, content

    server.answer = slow
    with pytest.raises(DataError, match=r"labels\.bin cannot be fetched: timed out"):
        load(server.index)


def test_no_server() -> None:
    with pytest.raises(DataError, match="Connection refused"):
        load("http://127.0.0.1:9/set/index.json")


def test_an_object_store(written: Path, pictures: Pictures) -> None:
    store = fsspec.filesystem("memory")
    store.put(str(written), "/bucket/set", recursive=True)
    place = next(path for path in store.find("/bucket") if path.endswith("index.json"))
    assert np.array_equal(load(f"memory:/{place}").images, pictures.images)
    with pytest.raises(DataError, match="cannot be fetched"):
        load("memory://bucket/nothing/index.json")
    with pytest.raises(DataError, match="no protocol 'gopher'"):
        load("gopher://host/index.json")


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(MachineError, match="fsspec") as caught:
        load("s3://bucket/index.json")
    assert "ganwerk[shards]" in caught.value.hint


@pytest.mark.parametrize("extra", ["?token=x", "#x"])
def test_secrets_are_not_kept(extra: str) -> None:
    for place in (f"https://host/index.json{extra}", "https://me:secret@host/index.json"):
        with pytest.raises(DataError, match="would be kept in the run") as caught:
            load(place)
        assert "secret" not in str(caught.value)


def change(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda index: index.update(values)


def shard(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda index: index["shards"][0].update(values)


BAD_INDICES: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (shard(file="../../secret"), "shards.0.file"),
    (shard(file="/etc/passwd"), "shards.0.file"),
    (shard(file="index.json"), "named twice"),
    (shard(file="shard-00001.bin"), "named twice"),
    (shard(pictures=4), "another number of pictures"),
    (shard(pictures=-1), "shards.0.pictures"),
    (shard(digest="abc"), "shards.0.digest"),
    (change(pictures=10**12), "at pictures"),
    (change(resolution=10**9), "at resolution"),
    (change(channels=2), "at channels"),
    (change(shards=[]), "at shards"),
    (change(labels=None), "names without labels"),
    (change(class_names=["a"]), "other pictures"),
    (change(health={}), "health report"),
    (change(version=99), "newer ganwerk"),
    (change(format="other"), "no index of shards"),
    (lambda index: index.pop("shuffled"), "at shuffled"),
    (lambda index: index["health"].update(readable=5), "other pictures"),
]


@pytest.mark.parametrize(("spoil", "said"), BAD_INDICES)
def test_an_index_from_a_stranger(
    server: Server, tmp_path: Path, spoil: Callable[[dict[str, Any]], None], said: str
) -> None:
    path = server.folder / "index.json"
    index = json.loads(path.read_bytes())
    spoil(index)
    path.write_text(json.dumps(index))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=said) as caught:
        load(server.index)
    assert caught.value.hint
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("text", ["", "[]", "{", "nonsense", "[" * 100_000, '{"format": 1}'])
def test_what_is_no_index(server: Server, text: str) -> None:
    (server.folder / "index.json").write_text(text)
    with pytest.raises(DataError, match="is no index of shards"):
        load(server.index)


def test_a_folder_with_an_index_of_something_else(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "web", 20)
    (tmp_path / "web" / "index.json").write_text('{"pages": []}')
    assert len(load(tmp_path / "web")) == 20


def spoil_digest(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(Path.unlink, "cannot be read"), (spoil_digest, "is damaged"),
     (lambda path: path.write_bytes(b"x"), "is damaged")],
)  # fmt: skip
def test_a_bad_shard_in_a_folder(written: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(written / "shard-00002.bin")
    with pytest.raises(DataError, match=rf"shard-00002\.bin {said}"):
        load(written)


def test_a_shard_that_is_damaged_later(written: Path) -> None:
    found = load(written, memory_budget_bytes=1000)
    for path in written.glob("shard*"):
        spoil_digest(path)
    with pytest.raises(DataError, match="another content than its index says"):
        found.images[np.arange(51)]


def test_a_full_disk(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganwerk.data.shards.store.replacing", full)
    with pytest.raises(MachineError, match=r"cannot be stored .* No space left") as caught:
        load(server.index)
    assert "GANWERK_CACHE" in caught.value.hint


def test_a_cache_that_is_too_small(server: Server) -> None:
    with pytest.raises(MachineError, match="two windows of 1 and 3 shards") as caught:
        lazy(server.index, cache_bytes=4 * SHARD)
    assert "data.cache_mb=1" in caught.value.hint
    with pytest.raises(MachineError, match="for all shards"):
        lazy(server.index, window=0)


def test_another_size_is_refused(written: Path) -> None:
    with pytest.raises(ConfigError, match="of 16 px, and 32 px") as caught:
        load(written, resolution=32)
    assert "ganwerk data shard" in caught.value.hint
    with pytest.raises(ConfigError, match="3 channels, and 1"):
        load(written, channels=1)


def test_targets_that_are_taken(written: Path, pictures: Pictures, tmp_path: Path) -> None:
    def write(target: Path, size: float = 1.0, **options: Any) -> None:
        write_shards(pictures, target, shard_mb=size, progress=ignore_progress, **options)

    with pytest.raises(ConfigError, match="holds shards already") as caught:
        write(written)
    assert "--force" in caught.value.hint
    write(written, force=True)
    assert np.array_equal(load(written).images, pictures.images)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(ConfigError, match=r"other files \(thesis.tex\)"):
        write(tmp_path / "mine", force=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is no folder"):
        write(tmp_path / "file")
    for size in (0.0, 2000.0, float("nan")):
        with pytest.raises(ConfigError, match="MiB are not possible"):
            write(tmp_path / "new", size)
    assert not (tmp_path / "new").exists()


def test_a_disk_that_does_not_take_them(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write() -> None:
        write_shards(pictures, tmp_path / "new", progress=ignore_progress)

    from shutil import disk_usage

    usage = disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(MachineError, match="are free on the disk"):
        write()
    monkeypatch.undo()

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganwerk.data.shards.write.replacing", full)
    with pytest.raises(MachineError, match="No space left"):
        write()
    assert not (tmp_path / "new" / "index.json").exists()


def test_an_array_of_those_at_hand(server: Server, pictures: Pictures) -> None:
    found = lazy(server.index)
    assert found.near is not None
    images, numbers = found.as_array(5 * RECORD)
    assert len(images) == 5
    assert set(numbers) <= set(found.near)
    assert np.array_equal(images, pictures.images[numbers])
    everything, all_numbers = replace(pictures, near=None).as_array(1)
    assert everything is pictures.images
    assert all_numbers.tolist() == list(range(51))


def test_errors_of_the_user_are_errors_of_ours() -> None:
    for place in ("http://[::1/index.json", "https:///index.json", "http://127.0.0.1:99999/i.json"):
        with pytest.raises(GanwerkError):
            load(place)
