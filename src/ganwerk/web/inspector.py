"""A process that decodes pictures of strangers: `python -m ganwerk.web.inspector`.

A picture can be made to fill the memory or to break its decoder. Here that ends this process, which
has a limit of its own, and not the page. It takes a JSON line for each picture on stdin and answers
with one on stdout.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

from ganwerk.data.decode import Decoded, UnreadableError, decode, quiet_pillow

MEMORY_BYTES = 3 << 29
"""Address space; what the largest allowed picture takes, several times."""
MOST_MEMBER_BYTES = 64 << 20


def looked_at(path: str, px: int, thumb: bool, member: str = "") -> dict[str, Any]:
    """What the file holds, or why it cannot be used. member: a name inside of the zip file that it
    is. thumb: also as a JPEG of px * px."""
    try:
        found = decode(_content(path, member), px, 3, "crop")
    except (UnreadableError, OSError, MemoryError, zipfile.BadZipFile, KeyError) as error:
        return {"ok": False, "reason": str(error) or "takes more memory than a picture may"}
    said: dict[str, Any] = {"ok": True, "width": found.width, "height": found.height}
    return said | ({"jpeg": base64.b64encode(_jpeg(found)).decode()} if thumb else {})


def _content(path: str, member: str) -> bytes:
    if not member:
        return Path(path).read_bytes()
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(member).file_size > MOST_MEMBER_BYTES:
            raise UnreadableError(f"has more than {MOST_MEMBER_BYTES:,} bytes")
        return archive.read(member)


def _jpeg(found: Decoded) -> bytes:
    file = io.BytesIO()
    Image.fromarray(found.pixels.transpose(1, 2, 0)).save(file, "JPEG", quality=85)
    return file.getvalue()


def limit() -> None:
    """No more memory than a picture may take, and no core file of it."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    limit()
    with quiet_pillow():
        for line in sys.stdin:
            asked = json.loads(line)
            said = looked_at(**asked)
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
