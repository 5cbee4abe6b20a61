"""Many games at once, one process and one thread each; what is finished is kept and never played
again."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import queue
import signal
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ganwerk.errors import MachineError
from ganwerk.lab.trial import Tell, Trial
from ganwerk.run.files import from_json, write_bytes
from ganwerk.run.pictures import make_folder
from ganwerk.values import Progress, ProgressCallback

LOOK_SECONDS = 0.5
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError,
           zlib.error, zipfile.BadZipFile)  # fmt: skip
"""What reading a file raises that is cut off, changed or something else."""
_told: Any = None  # in a worker: where it tells its progress


@dataclass(frozen=True)
class Task:
    """One game: `play(setting, method, seed, tell)`, a function that a process can import.

    problem: the name of the setting in tables and files.
    """

    play: Callable[[Any, str, int, Tell], Trial]
    setting: Any  # a frozen dataclass that knows how many `steps` it takes
    problem: str
    method: str
    seed: int

    @property
    def digest(self) -> str:
        """Of all that the result depends on, but for the program itself."""
        known = {
            "play": f"{self.play.__module__}.{self.play.__qualname__}",
            "setting": asdict(self.setting),
            "method": self.method,
            "seed": self.seed,
        }
        text = json.dumps(known, sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    @property
    def file(self) -> str:
        return f"{self.problem}-{self.digest}.npz"


def play_all(
    tasks: Sequence[Task], folder: Path, processes: int, progress: ProgressCallback
) -> list[Trial]:
    """The trials of all tasks, in their order; those that `folder` holds are read, not played.

    Games that are finished are kept, whatever happens to others. Raises what a game raises,
    GanwerkError, for the first that fails; MachineError if a process is killed.
    """
    make_folder(folder)
    found = {task: load(folder / task.file) for task in dict.fromkeys(tasks)}
    missing = [task for task, trial in found.items() if trial is None]
    if missing:
        found |= _play(missing, folder, min(processes, len(missing)), progress)
    return [trial for task in tasks if (trial := found[task]) is not None]


def _play(
    tasks: Sequence[Task], folder: Path, processes: int, progress: ProgressCallback
) -> dict[Task, Trial | None]:
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    shares = [0.0] * len(tasks)
    done: dict[Task, Trial | None] = {}
    pool = ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(told,))
    running: dict[Future[Trial], Task] = {}
    try:
        with _ending_at_sigterm():
            running |= {pool.submit(_one, n, task): task for n, task in enumerate(tasks)}
            while running:
                wait(running, LOOK_SECONDS, return_when="FIRST_COMPLETED")
                done |= _kept(running, folder)
                _listen(told, shares)
                for number, task in enumerate(tasks):
                    shares[number] = 1.0 if task in done else shares[number]
                _tell(progress, tasks, shares, len(done))
                _raise_failure(running)
    except BaseException:
        _kept(running, folder)
        for process in (pool._processes or {}).values():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return done


def _kept(running: dict[Future[Trial], Task], folder: Path) -> dict[Task, Trial]:
    """Save the games that have come to a good end, and take them out of `running`."""
    ended = [f for f in running if f.done() and not f.cancelled() and f.exception() is None]
    found = {running.pop(future): future.result() for future in ended}
    for task, trial in found.items():
        save(folder / task.file, task, trial)
    return found


def _raise_failure(running: dict[Future[Trial], Task]) -> None:
    """Raise what a game has raised."""
    for future in running:
        if future.done():
            try:
                future.result()
            except BrokenProcessPool as error:
                raise MachineError(
                    "A process that played games was killed.",
                    "Often memory runs out: play fewer at once with --processes. Finished games "
                    "are kept; the same command plays the rest.",
                ) from error


@contextmanager
def _ending_at_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as an exception, so that no process is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: Any) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _listen(told: Any, shares: list[float]) -> None:
    try:
        while True:
            number, share = told.get_nowait()
            shares[number] = share
    except queue.Empty:
        return


def _tell(
    progress: ProgressCallback, tasks: Sequence[Task], shares: Sequence[float], done: int
) -> None:
    steps = [task.setting.steps for task in tasks]
    played = sum(share * count for share, count in zip(shares, steps, strict=True))
    games = f"steps ({done} of {len(tasks)} games done)"
    progress(Progress("playing", round(played), sum(steps), games))


def _begin(told: Any) -> None:
    """A worker computes with one thread: the games are small and many. Ctrl-C is for the parent
    to answer, without whom a worker ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    global _told
    _told = told
    torch.set_num_threads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _one(number: int, task: Task) -> Trial:
    last = time.monotonic()

    def tell(share: float) -> None:
        nonlocal last
        if time.monotonic() > last + LOOK_SECONDS:
            last = time.monotonic()
            _told.put((number, share))

    return task.play(task.setting, task.method, task.seed, tell)


def save(path: Path, task: Task, trial: Trial) -> None:
    """In one step, so that a kill leaves the whole file or none. Raises MachineError."""
    about = {"task": {"problem": task.problem, "method": task.method, "seed": task.seed,
                      "setting": asdict(task.setting)}, "facts": trial.facts}  # fmt: skip
    text = np.frombuffer(json.dumps(about, default=str).encode(), np.uint8)
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, about=text, **trial.arrays)
    write_bytes(path, file.getvalue(), durable=False)


def load(path: Path) -> Trial | None:
    """None where there is no such file, or a damaged one: its game is played again."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = from_json(arrays.pop("about").tobytes())
        return Trial(dict(about["facts"]), arrays)
    except DAMAGED:
        return None
