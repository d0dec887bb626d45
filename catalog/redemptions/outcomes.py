"""What asking another system for something comes to: the same six answers whoever is asked, for whatever."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """Done exactly once, exactly as asked; `reference`: what the other side calls it."""

    reference: str


@dataclass(frozen=True)
class Refused:
    """The other side said no, in its own words: nothing was done, and asking again changes nothing.

    The reason is the other side's text and may name a person: keep it, do not log it.
    """

    reason: str


@dataclass(frozen=True)
class Unknown:
    """It may have been done or not: look before asking again."""

    reason: str


@dataclass(frozen=True)
class Unreachable:
    """This try did not get through the door: it did nothing, a later one may."""

    reason: str


@dataclass(frozen=True)
class Wrong:
    """Done, but twice or not as asked: a person looks at it."""

    found: tuple[object, ...]


@dataclass(frozen=True)
class NotFound:
    """Nothing under this reference, as of now: what is still on its way may yet arrive."""


Outcome = Done | Refused | Unknown | Unreachable | Wrong
