"""ganwerk serve."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ganwerk.cli.group import Command
from ganwerk.cli.options import PATH
from ganwerk.cli.output import say
from ganwerk.errors import ConfigError

PASSWORD = "GANWERK_PASSWORD"


@click.command("serve", cls=Command)
@click.argument("folders", nargs=-1, type=PATH)
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535),
    help="Where to listen; 0 is any.  [default: the first free one from 8765]",
)  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@click.option(
    "--pictures", "roots", metavar="DIR", type=PATH, multiple=True,
    help="Folders below which pictures may be chosen where they lie.  [default: the current "
    "folder]",
)  # fmt: skip
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True,
    help="Listen for other machines too, as 0.0.0.0; needs a password.",
)  # fmt: skip
@click.option(
    "--password", metavar="WORD", envvar=PASSWORD, show_envvar=True,
    help="Asked for when the page is opened.",
)  # fmt: skip
def command(
    folders: tuple[Path, ...], port: int | None, no_browser: bool, roots: tuple[Path, ...],
    host: str, password: str | None,
) -> None:  # fmt: skip
    """Open the page: train, watch, explore and publish in the browser.

    FOLDERS hold runs; without one it is runs/ in the current folder. The page is a view of these
    folders: close it or end it at any time, trainings go on. Nothing leaves this machine.

    \b
    Examples:
      ganwerk serve
      ganwerk serve runs elsewhere --port 8765 --no-browser
      ganwerk serve --host 0.0.0.0 --password WORD
    """
    _need_extra()
    from ganwerk.web.access import Access, is_loopback, lasting_secret
    from ganwerk.web.serve import listen, serve
    from ganwerk.web.site import Site

    if not is_loopback(host) and not password:
        raise ConfigError(
            f"--host {host} shows the page to other machines, and there is no password.",
            f"ganwerk serve --host {host} --password WORD",
        )
    for folder in (*folders, *roots):
        if not folder.is_dir():
            raise ConfigError(f"{folder} is no folder.", "Name a folder that holds runs.")
    listening = listen(host, port)
    access = Access(host, listening.getsockname()[1], lasting_secret(), password or None)
    site = Site(folders or (Path("runs"),), roots or (Path("."),), access)

    def ready() -> None:
        say(access.address)
        say("Ctrl-C closes the page; trainings go on without it.")
        sys.stdout.flush()
        if not no_browser:
            _open(access.address)

    serve(site, listening, ready)


def _need_extra() -> None:
    """Raises ConfigError where the libraries of the page are not installed."""
    from importlib.util import find_spec

    if find_spec("starlette") is None or find_spec("uvicorn") is None:
        raise ConfigError(
            "The page needs starlette and uvicorn, which are not installed.",
            "pip install 'ganwerk[web]'",
        )


def _open(address: str) -> None:
    """In the user's browser, where there is a screen: on a server it would be one of text."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in screens):
        import threading
        import webbrowser

        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
