"""What a check of the books found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be: which rule, where, what."""

    rule: str
    place: str
    text: str
