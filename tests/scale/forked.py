"""`python -m tests.scale.forked N MODULE ARGUMENT ...` runs the module in N processes that know of
each other as torchrun's do. They are forks of one that has loaded everything: loading torch is most
of what a start costs."""

from __future__ import annotations

import importlib
import os
import runpy
import socket
import sys

LOADED = ("torch.distributed", "ganwerk.training.train")


def main(size: int, arguments: list[str]) -> int:
    """The exit code of the first process that failed, in the order of their ranks."""
    for name in LOADED:
        importlib.import_module(name)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    os.environ |= {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = []
    for rank in range(size):
        number = os.fork()
        if not number:
            os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            sys.argv = arguments
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
            return 0
        started.append(number)
    codes = [os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) for number in started]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
