"""A clean stop is asked for by the first signal; the second does what it always did."""

from __future__ import annotations

import signal
import threading

import pytest

from ganwerk.runtime.stopping import stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_asks_and_handlers_come_back(number):
    before, stop = signal.getsignal(number), threading.Event()
    with stopping(stop):
        signal.raise_signal(number)
        assert stop.is_set()
    assert signal.getsignal(number) is before


@pytest.fixture
def interruptible():
    """A shell that starts the tests in the background may have SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_second_interrupts_at_once(interruptible):
    stop = threading.Event()
    with pytest.raises(KeyboardInterrupt), stopping(stop):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_elsewhere_than_in_the_main_thread_nothing_is_set():
    found = []

    def work():
        with stopping(threading.Event()):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
