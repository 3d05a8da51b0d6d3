"""How commands are stopped: Ctrl-C ends a search first, and what ends a command lets it clear up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


@contextmanager
def first_ends_search(on_first: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether Ctrl-C was pressed in the block; a second press ends the command.

    Parameters
    ----------
    on_first : callable
        Called at the first press.
    """
    pressed = False

    def is_pressed() -> bool:
        return pressed

    def press(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        on_first()

    # Only the main thread may say what a signal does, and what is to be ignored stays so.
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield is_pressed
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield is_pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def cleared_up() -> Iterator[None]:
    """Let SIGTERM, and the end of the terminal, end the block as an error does, so that nothing is left."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # Only the main thread may say what a signal does, and what is to be ignored stays so.
    if current_thread() is not main_thread():
        ends = []
    before = {each: signal.signal(each, end) for each in ends if signal.getsignal(each) is signal.SIG_DFL}
    try:
        yield
    finally:
        for each, usual in before.items():
            signal.signal(each, usual)
