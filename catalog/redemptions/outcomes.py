"""What asking another system for something comes to: the same eight answers whoever is asked, for whatever."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """Done exactly once, exactly as asked; `reference`: what the other side calls it, `told`: what its kind knows besides."""

    reference: str
    told: object = None


@dataclass(frozen=True)
class UnderWay:
    """Taken in, exactly once and as asked, and not done yet: nothing is unclear, look again later."""

    reference: str
    told: object = None


@dataclass(frozen=True)
class Refused:
    """The other side said no, in its own words: nothing was done, and asking again changes nothing.

    The reason is the other side's text and may name a person: keep it, do not log it.
    """

    reason: str


@dataclass(frozen=True)
class Ended:
    """The other side had taken it in and ended it with nothing given, in its own words: it will not be done any more."""

    reason: str
    told: object = None


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


Outcome = Done | UnderWay | Refused | Ended | Unknown | Unreachable | Wrong
