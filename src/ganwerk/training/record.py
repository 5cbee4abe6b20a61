"""What a training writes down while it plays: means for the journal, and the watch for numbers that
are not finite."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ganwerk.game.losses import Loss
from ganwerk.game.rounds import StepResult
from ganwerk.game.state import TrainState
from ganwerk.game.team import diverged


class Recorder:
    """An observer of steps. It keeps tensors on the device and reads them only when asked, so that
    an accelerator never waits for it."""

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self._losses: list[tuple[Tensor, Tensor]] = []
        self._penalties: dict[str, list[Tensor]] = {}
        self._first_step = 0
        self._last: StepResult | None = None

    def __call__(self, state: TrainState, report: StepResult) -> None:
        if not self._losses:
            self._first_step = state.step - 1
        self._losses.append((report.d_loss, report.g_loss))
        for name, value in report.penalties.items():
            self._penalties.setdefault(name, []).append(value)
        self._last = report

    def take(self, state: TrainState) -> dict[str, float]:
        """The measurements since the last call, by their names in the journal.

        Means of losses and penalties over all steps; logits and what follows from them over the
        last batch; of each remedy with a memory, what it says of itself. Raises DivergedError, with
        the step, if a loss or penalty is not finite.
        """
        if self._last is None:
            return {}
        losses = torch.stack([torch.stack(pair) for pair in self._losses]).double().cpu()
        self._check(losses)
        measured = {"d_loss": float(losses[:, 0].mean()), "g_loss": float(losses[:, 1].mean())}
        measured |= self._logits(self._last)
        for name, values in self._penalties.items():
            measured[f"penalty_{name}"] = float(torch.stack(values).mean())
        for part in state.parts.values():
            measured |= part.measures()
        measured["g_rate"] = state.g_optimiser.param_groups[0]["lr"]
        measured["d_rate"] = state.d_optimiser.param_groups[0]["lr"]
        self._losses, self._penalties, self._last = [], {}, None
        for name, value in measured.items():
            if not math.isfinite(value):
                raise diverged(name, state.step)
        return measured

    def _check(self, losses: Tensor) -> None:
        finite = losses.isfinite()
        if bool(finite.all()):
            return
        row = int((~finite).any(1).nonzero()[0])
        name = "the loss of D" if not finite[row, 0] else "the loss of G"
        raise diverged(name, self._first_step + row)

    def _logits(self, report: StepResult) -> dict[str, float]:
        real = report.played.real_logits.detach().float()
        fake = report.played.fake_logits.detach().float()
        accuracy = ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2
        named = {
            "value": self._loss.value(real, fake).mean(),
            "real_logit": real.mean(),
            "fake_logit": fake.mean(),
            "logit_spread": torch.cat([real, fake]).std(),
            "d_accuracy": accuracy,
        }
        values = torch.stack(list(named.values())).tolist()
        return dict(zip(named, values, strict=True))


def check_weights(state: TrainState) -> None:
    """Raises DivergedError if a weight is not finite: such a state is never saved."""
    tensors: dict[str, Any] = {f"g.{k}": v for k, v in state.g_net.named_parameters()}
    tensors |= {f"d.{k}": v for k, v in state.d_net.named_parameters()}
    norms = torch.stack([n.float() for n in torch._foreach_norm(list(tensors.values()))]).cpu()
    if not bool(norms.isfinite().all()):
        worst = list(tensors)[int((~norms.isfinite()).nonzero()[0])]
        raise diverged(f"the weight {worst}", state.step)
