"""Attacks on the running server: many connections, slow ones, and what would break its decoder."""

from __future__ import annotations

import socket
import time
from http.client import HTTPConnection

import pytest

from ganwerk.web import serve as serving
from tests.web.serving import Served, start

pytestmark = pytest.mark.browser


def cookie_of(served: Served) -> str:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", f"/{served.entry}")
    cookie = connection.getresponse().getheader("set-cookie") or ""
    connection.close()
    return cookie.partition(";")[0]


def asked(served: Served, cookie: str) -> int:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("GET", "/api/runs", headers={"cookie": cookie})
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_thousand_connections_shut_nobody_out(served):
    cookie = cookie_of(served)
    crowd = [socket.create_connection(("127.0.0.1", served.port), 60) for _ in range(1_000)]
    for place, one in enumerate(crowd):
        if place % 2:
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")  # and never an end
    try:
        assert asked(served, cookie) == 200
    finally:
        for one in crowd:
            one.close()
    assert asked(served, cookie) == 200


def test_whoever_leaves_in_the_middle_of_a_question_is_no_fault(tmp_path):
    served = Served(tmp_path)
    cookie = cookie_of(served)
    origin = served.origin.rstrip("/")
    for path in ("/api/sets", "/api/runs/none/draw"):
        with socket.create_connection(("127.0.0.1", served.port), 60) as one:
            one.sendall(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nOrigin: {origin}\r\n"
                f"Sec-Fetch-Site: same-origin\r\nCookie: {cookie}\r\nContent-Length: 100\r\n"
                '\r\n{"name": '.encode()
            )
            time.sleep(0.2)
    assert asked(served, cookie) == 200
    assert served.stop() == 0
    assert "Traceback" not in served.said_last


def test_whoever_asks_nothing_is_shown_out(tmp_path, monkeypatch):
    """In this process, so that nobody has to wait for twenty seconds."""
    import asyncio

    import uvicorn

    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)

    async def nothing(scope, receive, send):
        raise AssertionError("no request was whole")

    async def play() -> float:
        config = uvicorn.Config(nothing, http=serving.Impatient, ws="none", log_config=None)
        config.load()
        server = await asyncio.get_running_loop().create_server(
            lambda: serving.Impatient(
                config=config, server_state=uvicorn.server.ServerState(), app_state={}
            ),
            "127.0.0.1",
            0,
        )
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"GET / HT")
        began = time.monotonic()
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        server.close()
        return time.monotonic() - began

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:  # Playwright has a loop in this one
        assert thread.submit(asyncio.run, play()).result() >= 0.2


def test_a_slow_upload_is_given_up_and_leaves_nothing(client, site, monkeypatch):
    from ganwerk.web import uploads

    monkeypatch.setattr(uploads, "SLOW_SECONDS", 0.1)
    target = client.post("/api/sets", json={"name": "slow"}).json()["id"]

    async def dripping():
        import asyncio

        yield b"\x89PNG"
        await asyncio.sleep(30)

    answer = client.request(
        "PUT", f"/api/sets/{target}/files", content=dripping(), headers={"x-name": "a.png"}
    )
    assert answer.status_code == 400
    assert "broke off" in answer.json()["error"]
    assert [p for p in (site.sources.sets / "slow").rglob("*") if p.is_file()] == []


def test_a_decoder_that_dies_is_started_again(client, monkeypatch, tmp_path):
    """A picture that ends the process: here one that kills it."""
    import asyncio

    from ganwerk.web.inspection import Inspection
    from tests.web.test_uploads import picture

    (tmp_path / "good.png").write_bytes(picture())

    async def play() -> tuple[bool, bool, bool]:
        inspection = Inspection(1)
        first = await inspection.look(tmp_path / "good.png")
        [process] = inspection._started
        process.kill()
        await process.wait()
        second = await inspection.look(tmp_path / "good.png")
        [process] = inspection._started
        dying = asyncio.create_task(inspection.look(tmp_path / "good.png"))
        process.kill()
        await dying
        third = await inspection.look(tmp_path / "good.png")
        inspection.close()
        await asyncio.gather(*(one.wait() for one in inspection._started), return_exceptions=True)
        return first["ok"], second["ok"], third["ok"]

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, play()).result() == (True, True, True)


def test_the_decoder_has_little_memory(tmp_path):
    import subprocess
    import sys

    code = (
        "from ganwerk.web.inspector import limit; limit()\n"
        "try:\n    bytearray(1 << 34)\nexcept MemoryError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"


def test_the_server_leaves_at_once_and_without_a_word(tmp_path):
    made = Served(tmp_path)
    cookie = cookie_of(made)
    stream = HTTPConnection("127.0.0.1", made.port, timeout=60)
    stream.request("GET", "/events", headers={"cookie": cookie})
    assert stream.getresponse().read(5) == b"retry"
    assert made.stop() == 0
    assert made.said_last == ""
    stream.close()


def test_a_port_that_is_taken(served, tmp_path):
    process = start(["serve", "--no-browser", "--port", str(served.port)], tmp_path)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "cannot listen" in said
    assert "Traceback" not in said
