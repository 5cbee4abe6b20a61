"""What every test may rely on: one thread, no cache of the user's, no colour."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["tests.browser", "tests.runs"]

# Never fail for being slow: machines that run tests are noisy.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NO_COLOR"] = "1"

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this run of the suite."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def own_cache(shared_folder: Path) -> None:
    """Tests decode into a cache of their own, together: no network is measured twice."""
    os.environ["GANWERK_CACHE"] = str(shared_folder / "cache")


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> Iterator[None]:
    """Tests are many small computations; threads only make them wait for each other.
    OMP_NUM_THREADS asks for more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def short_measurements() -> Iterator[None]:
    """The speed of steps is measured with the fewest rounds: half a second for each kind of network
    would be a third of the suite's time, and no test asks how exact the number is."""
    from ganwerk.training import probe

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "STEPS_SECONDS", 0.0)
        patch.setattr(probe, "TRIALS_SECONDS", 0.0)
        yield


def pytest_unconfigure() -> None:
    """The last line tells the suite's processor time, user and system: of this process, and of its
    children, which the workers and the programs that they started are."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        minutes, seconds = divmod(round(sum(os.times()[:4])), 60)
        print(f"Processor time of the tests: {minutes} min {seconds} s")
