"""To be imported ahead of all else: while modules are loaded the garbage collector lets them be.

With Python's own thresholds it walks again and again through what stays, a tenth of what a command needs to start.
"""

from base import process

process.begin()


def over() -> None:
    """Call once, after the imports and before the work."""
    process.settle()
