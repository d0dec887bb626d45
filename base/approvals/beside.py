"""What upper packages have to tell beside a proposal of a kind, for whoever decides on it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from base.approvals.models import Proposal
from base.auth.principals import Principal

Tell = Callable[[Session, Principal, Proposal], dict[str, Any]]
_told: dict[str, Tell] = {}


def register(kind: str, tell: Tell) -> None:
    """Say what is told beside proposals of a kind: plain JSON by name; a later one takes its place."""
    _told[kind] = tell


def of(session: Session, person: Principal, proposal: Proposal) -> dict[str, Any]:
    """What is told this person beside a proposal; nothing where its kind has nothing."""
    tell = _told.get(proposal.kind)
    return tell(session, person, proposal) if tell else {}
