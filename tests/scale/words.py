"""Started by torchrun: what process 0 says arrives, and sums have the bits of one process."""

from __future__ import annotations

import torch

from ganwerk.errors import PeerError
from ganwerk.game.team import Alone
from ganwerk.scale.agreement import agree
from ganwerk.scale.processes import joined
from ganwerk.scale.shared import Shared


def main() -> None:
    with joined() as group:
        assert group is not None
        told = {"a": [1, 0.1, None], "b": "ä"}
        assert group.tell(told if group.leads else None) == told
        tensors = {"x": torch.arange(6.0).view(2, 3).T, "n": torch.tensor(3)}
        heard = group.tell_tensors(tensors if group.leads else None)
        assert torch.equal(heard["x"], tensors["x"]) and int(heard["n"]) == 3
        ranks = [word["rank"] for word in group.collect({"rank": group.rank, "": "x" * group.rank})]
        assert ranks == list(range(group.size))
        for parts in (group.size, 4 * group.size, 6 * group.size):
            random = torch.Generator().manual_seed(parts)
            vectors = torch.randn(parts, 101, generator=random)
            vectors *= 10 ** torch.randn(parts, 1, generator=random)
            team = Shared(group, parts)
            team.wishes = lambda: (group.rank == 1, False)
            total = team.add_up([vectors[part].split(3) for part in team.mine])
            assert torch.equal(total, Alone(parts).add_up([[vector] for vector in vectors]))
            assert team.pauses and not team.ends
        try:
            agree(group, {"key": group.rank == 1}, "process {other} has another {key}", "")
        except PeerError as error:
            assert error.message == "process 1 has another key"
        else:
            raise AssertionError("a difference was not seen")
        if group.leads:
            print("all heard")


if __name__ == "__main__":
    main()
