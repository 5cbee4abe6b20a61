"""The trials of a sweep in Optuna's log, which any number of processes append to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganwerk.errors import RunError
from ganwerk.run.lock import exclusive
from ganwerk.sweep.directory import LOG, Folder, waiting
from ganwerk.sweep.vary import Value, Vary, parse, suggested

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial, Trial

STATIONS, WHY, ERROR, FLOOR = "stations", "why", "error", "floor"
"""What is noted beside Optuna's own: of the sweep the first, of each trial the others."""
STARTUP_TRIALS, STARTUP_PRUNING = 10, 4
DAMAGED = (ValueError, LookupError, TypeError, AttributeError, AssertionError)
"""What Optuna raises for a log that it did not write."""


@dataclass(frozen=True)
class Taken:
    """A trial that this process works on, and no other. resumed: another process left it."""

    number: int
    values: dict[str, Value]
    trial: Trial
    resumed: bool


class KernelLock:
    """What Optuna holds while it appends to the log: given back by the system when a process is
    killed, instead of after half a minute."""

    def __init__(self, path: Path) -> None:
        self._path, self._held = path, ExitStack()

    def acquire(self) -> bool:
        self._held.enter_context(waiting(self._path))
        return True

    def release(self) -> None:
        self._held.close()


class Trials:
    """The trials of one sweep."""

    def __init__(self, folder: Folder) -> None:
        """Raises RunError if the log is damaged."""
        self.folder = folder
        self.varied: list[Vary] = [parse(text) for text in folder.definition.vary]
        with waiting(folder.path / "lock"):
            self.study = self._opened()

    def _opened(self) -> Study:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        log = self.folder.path / LOG
        lock = KernelLock(self.folder.path / f"{LOG}.lock")
        _end_last_line(log, lock)
        with self._readable():
            storage = JournalStorage(JournalFileBackend(str(log), lock_obj=lock))  # type: ignore[arg-type]
            return optuna.create_study(
                storage=storage,
                study_name="sweep",
                direction="minimize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_PRUNING),
            )

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except DAMAGED as error:
            log = self.folder.path / LOG
            raise RunError(
                f"The log of the trials {log} is damaged: {error}.",
                "Copy it from a backup, or begin another sweep: --out. The runs are in "
                f"{self.folder.path / 'trials'}.",
            ) from error

    def all(self) -> list[FrozenTrial]:
        """Every trial so far, in order."""
        with self._readable():
            return self.study.get_trials(deepcopy=False)

    @contextmanager
    def take(self) -> Iterator[Taken | None]:
        """A trial to work on for the length of the block: one that a killed process left, else the
        next one; None where there is none left. The system gives it back when this process dies.
        """
        with ExitStack() as held:
            with waiting(self.folder.path / "lock"):
                taken = self._left(held) or self._next(held)
            yield taken

    def _left(self, held: ExitStack) -> Taken | None:
        for frozen in self.all():
            if frozen.state.is_finished() or not self._alone(frozen.number, held):
                continue
            from optuna.trial import Trial

            trial = Trial(self.study, frozen._trial_id)
            return Taken(frozen.number, suggested(trial, self.varied), trial, resumed=True)
        return None

    def _next(self, held: ExitStack) -> Taken | None:
        count = len(self.all())
        if count >= self.folder.definition.trials:
            return None
        from optuna.samplers import TPESampler

        # Of the number of trials, so that no two processes are suggested the same.
        seed = (self.folder.definition.seeds[0] * 1_000_003 + count) % 2**32
        self.study.sampler = TPESampler(
            seed=seed, n_startup_trials=STARTUP_TRIALS, constant_liar=True
        )
        trial = self.study.ask()
        assert self._alone(trial.number, held)
        return Taken(trial.number, suggested(trial, self.varied), trial, resumed=False)

    def _alone(self, number: int, held: ExitStack) -> bool:
        """Hold the trial's lock until `held` ends; False if somebody else does."""
        place = self.folder.trial(number)
        place.mkdir(parents=True, exist_ok=True)
        try:
            held.enter_context(exclusive(place / "lock"))
        except RunError:
            return False
        return True

    def stations(self, images: int) -> tuple[int, ...]:
        """The numbers of images at which every trial is measured, decided by the first one, which
        is going to see so many `images`: a quarter of that, and each doubling."""
        with waiting(self.folder.path / "lock"), self._readable():
            known = self.study.user_attrs.get(STATIONS)
            if known is None:
                first = max(1, images // 4)
                known = [first << doubling for doubling in range(12)]
                self.study.set_user_attr(STATIONS, known)
        return tuple(map(int, known))

    def report(self, taken: Taken, station: int, score: float) -> bool:
        """What was measured at a station. True: trials at half of the others' and better were
        better by then, so this one may end."""
        known = self.all()[taken.number].intermediate_values
        if station not in known:
            taken.trial.report(score, station)
        return taken.trial.should_prune()

    def tell(self, taken: Taken, score: float | None, why: str = "", failed: bool = False) -> None:
        """The end of a trial: its score, or why it has none."""
        from optuna.trial import TrialState

        if why:
            taken.trial.set_user_attr(WHY, why)
        state = TrialState.COMPLETE
        if score is None:
            state = TrialState.FAIL if failed else TrialState.PRUNED
        self.study.tell(taken.number, score, state=state)


def _end_last_line(log: Path, lock: KernelLock) -> None:
    """Cut off a last line that a killed process left half-written, before others append to it."""
    lock.acquire()
    try:
        with contextlib.suppress(FileNotFoundError):
            content = log.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                with log.open("r+b") as file:
                    file.truncate(whole)
    finally:
        lock.release()
