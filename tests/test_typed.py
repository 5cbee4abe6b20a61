"""`errors.typed`: a path as one can paste it."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganwerk.errors import typed


@pytest.mark.parametrize(
    ("path", "pasted"),
    [
        ("runs/fruits", "runs/fruits"),
        ("my run", "'my run'"),
        ("it's", """'it'"'"'s'"""),
        ("-x", "./-x"),
        ("--help me", "'./--help me'"),
        ("~nobody", "./~nobody" if os.name == "nt" else "'./~nobody'"),
        ("a\nb\x1b[31m", r"$'a\012b\033[31m'"),
        ("caf\udce9", r"$'caf\351'"),
        ("käse", "käse" if os.name == "nt" else "'käse'"),
        ("", "''"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="quotes of a POSIX shell")
def test_examples(path, pasted):
    assert typed(path) == pasted


# Any bytes but NUL are the name of a file
NAMES = st.lists(
    st.binary(min_size=1, max_size=12).filter(lambda b: 0 not in b), min_size=1, max_size=40
)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@settings(max_examples=15)
@given(NAMES)
def test_a_shell_gives_back_what_was_meant(names):
    words = [typed(os.fsdecode(name)) for name in names]
    assert all(word.isprintable() for word in words)
    program = b"printf '%s\\0' " + " ".join(words).encode()
    done = subprocess.run(["bash", "-c", program], capture_output=True, check=True)
    told = done.stdout.split(b"\0")[:-1]
    assert told == [b"./" + name if name[:1] in (b"-", b"~") else name for name in names]
