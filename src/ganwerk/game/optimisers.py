"""Adam, gradient descent, and what the step needs of any optimiser.

torch's own are not used because they import torch's compiler, which ganwerk has no use for: two
seconds and 200 MB. The arithmetic of Adam is torch's own fused kernel, called directly: for a small
network, torch's wrapper around it costs a third of the update.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Optimiser(Protocol):
    """What moves weights. `param_groups[i]["lr"]` is the learning rate, `state` the memory."""

    param_groups: list[dict[str, Any]]
    state: Any

    def zero_grad(self, set_to_none: bool = True) -> None: ...

    def step(self) -> Any: ...


class Adam:
    """Kingma and Ba 2015, algorithm 1, on parameters of one type and device.

    beta1, beta2: floats in [0, 1), the memory of the mean and of the squared gradient.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rate: float,
        beta1: float,
        beta2: float,
        eps: float = 1e-8,
    ) -> None:
        self.parameters = list(parameters)
        self.param_groups: list[dict[str, Any]] = [{"params": self.parameters, "lr": rate}]
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        moving = [p for p in self.parameters if p.grad is not None]
        if not moving:
            return
        memories = [self.state.get(p) or self._begin(p) for p in moving]
        steps = [memory["step"] for memory in memories]
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            [*moving],
            [p.grad for p in moving if p.grad is not None],
            [memory["exp_avg"] for memory in memories],
            [memory["exp_avg_sq"] for memory in memories],
            [],
            steps,
            lr=self.param_groups[0]["lr"],
            beta1=self.beta1,
            beta2=self.beta2,
            weight_decay=0.0,
            eps=self.eps,
            amsgrad=False,
            maximize=False,
        )

    def _begin(self, parameter: nn.Parameter) -> dict[str, Tensor]:
        memory = {
            "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
            "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
        }
        self.state[parameter] = memory
        return memory


class Sgd:
    """Gradient descent; momentum in [0, 1): what is kept of the last move (Polyak 1964). The same
    numbers as torch.optim.SGD."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], rate: float, momentum: float = 0.0
    ) -> None:
        self.parameters = list(parameters)
        self.param_groups: list[dict[str, Any]] = [{"params": self.parameters, "lr": rate}]
        self.state: dict[nn.Parameter, dict[str, Tensor]] = defaultdict(dict)
        self.momentum = momentum

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for parameter in self.parameters:
            move = parameter.grad
            if move is None:
                continue
            if self.momentum:
                memory = self.state[parameter]
                if "momentum_buffer" in memory:
                    memory["momentum_buffer"].mul_(self.momentum).add_(move)
                else:
                    memory["momentum_buffer"] = move.clone()
                move = memory["momentum_buffer"]
            parameter.add_(move, alpha=-self.param_groups[0]["lr"])
