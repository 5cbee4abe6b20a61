"""A web server on this machine that misbehaves as told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

Answer = Callable[[str, bytes, int], tuple[int, bytes]]
"""(name, content, how often it was asked for before) -> (status, what is sent)."""


def honest(_name: str, content: bytes, _before: int) -> tuple[int, bytes]:
    return 200, content


class Server:
    """address: of the folder that is served. asked: how often for each name."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder
        self.asked: Counter[str] = Counter()
        self.answer: Answer = honest

    @property
    def index(self) -> str:
        return f"{self.address}/index.json"


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = urlsplit(self.path).path.rpartition("/")[2]
            path = folder / name
            if not path.is_file():
                self.send_error(404)
                return
            whole = path.read_bytes()
            status, content = server.answer(name, whole, server.asked[name])
            server.asked[name] += 1
            self.send_response(status)
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}/set", folder)
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
