"""What every process of ours does once it has loaded: tell the garbage collector to leave the program itself alone.

A posting makes hundreds of small, short-lived values and no cycles; with Python's own thresholds the collector walks
the whole program every few batches, which was measured at a fifth of a batch's time.
"""

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 50


def settle() -> None:
    """Call once, after the imports and before the work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
