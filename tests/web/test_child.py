"""Children of the server and their end."""

from __future__ import annotations

import asyncio
import sys

from ganwerk.web.child import all_gone, kill


def test_the_loop_ends_after_the_children_that_were_killed():
    async def begin_and_end():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE
        )
        kill(process)
        assert process.returncode is None  # nobody has been told yet
        await all_gone()
        assert process.returncode == -9
        await all_gone()  # nothing is left to wait for

    asyncio.run(begin_and_end())
