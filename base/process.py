"""What every process of ours does: loaded, it tells the garbage collector to leave the program itself alone; told to end, it
says so to whoever asks whether it is ready.

A posting makes hundreds of small, short-lived values and no cycles; with Python's own thresholds the collector walks
the whole program every few batches, which was measured at a fifth of a batch's time.
"""

import gc
import importlib
import signal
import threading
from types import FrameType

YOUNG, MIDDLE, OLD = 50_000, 20, 50
_ending = threading.Event()


def begin() -> None:
    """Call before the imports: with Python's own thresholds the collector walks again and again through what stays."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def load(module: str) -> None:
    """Import a module and all that it needs, and settle."""
    begin()
    importlib.import_module(module)
    settle()


def settle() -> None:
    """Call once, after the imports and before the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def is_ending() -> bool:
    """Whether this process was told to end and finishes what it has begun."""
    return _ending.is_set()


def notice_the_end() -> None:
    """From now on SIGTERM is noticed before whoever handles it already does; in the main thread, once."""
    before = signal.getsignal(signal.SIGTERM)

    def noticed(number: int, frame: FrameType | None) -> None:
        _ending.set()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, noticed)
