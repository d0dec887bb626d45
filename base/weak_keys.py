"""Keys that look like keys and are none: repeated, counted up, of a few characters, taken from an example, used twice."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

LEAST_DIFFERENT, LEAST_STEPS = 8, 6  # 32 random hexadecimal digits have more
OF_EXAMPLES = (
    "example",
    "change",
    "secret",
    "password",
    "default",
    "sample",
    "placeholder",
    "your-",
    "jifen",
)


def faults(keys: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with keys by the names of their variables; the keys themselves are not said."""
    names: dict[str, str] = {}
    for name, key in keys.items():
        if key in names:
            yield f"{name}: is the same as {names[key]}; each needs a key of its own"
        names.setdefault(key, name)
        if (why := _why(key)) is not None:
            yield f"{name}: {why}; take 32 random bytes, for example of `openssl rand -hex 32`"


def _why(key: str) -> str | None:
    small = key.lower()
    if any(word in small for word in OF_EXAMPLES):
        return "looks like an example"
    if len(set(key)) < LEAST_DIFFERENT:
        return "has too few different characters"
    steps = {ord(after) - ord(before) for before, after in pairwise(key)}
    return "is counted up" if len(steps) < LEAST_STEPS else None
