"""Whose an endpoint and its events are: a programme's, or one merchant's; nobody reaches those of another owner.

A system of the operator has its own programme, a merchant's person the own merchant; staff have all programmes, and no
merchant's endpoints, whose secrets are the merchant's.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from base.auth.principals import MerchantPerson, Principal, Service
from base.errors import NotAllowed, field_errors
from base.webhooks.models import Endpoint, Event
from base.webhooks.programmes import known


class WholeProgrammeOnly(NotAllowed):
    """Webhooks tell of all members of a programme; you work for one area."""

    zh = "事件通知涉及整个积分计划，而您只负责一个区域。"


@dataclass(frozen=True)
class Owner:
    """A programme or a merchant, by its id."""

    programme_id: int | None = None
    merchant_id: int | None = None

    def of(self, table: type[Endpoint] | type[Event]) -> ColumnElement[bool]:
        """The rows that are this owner's."""
        if self.merchant_id is not None:
            return table.merchant_id == self.merchant_id
        return table.programme_id == self.programme_id

    def owns(self, row: Endpoint | Event) -> bool:
        """The same of a row that was read."""
        return (row.programme_id, row.merchant_id) == (self.programme_id, self.merchant_id)


def named(session: Session, principal: Principal, programme: str | None) -> Owner:
    """For whom an endpoint is to be: the asker's merchant, or the programme that is named and the asker's own."""
    whole(principal)
    if isinstance(principal, MerchantPerson):
        if programme is not None:
            raise field_errors({"programme": "an endpoint of a merchant has none: leave it out"})
        return Owner(merchant_id=principal.merchant_id)
    if programme is None:
        raise field_errors({"programme": "which programme?"})
    found = known().by_code(session, programme)
    if isinstance(principal, Service) and found != principal.programme_id:
        found = known().by_code(session, "")  # raises what an unknown code raises
    return Owner(programme_id=found)


def of_row(row: Endpoint) -> Owner:
    """Whose an endpoint is."""
    return Owner(row.programme_id, row.merchant_id)


def reach(principal: Principal, table: type[Endpoint] | type[Event]) -> ColumnElement[bool]:
    """The rows that the asker may see."""
    whole(principal)
    if isinstance(principal, MerchantPerson):
        return table.merchant_id == principal.merchant_id
    if isinstance(principal, Service):
        return table.programme_id == principal.programme_id
    return table.merchant_id.is_(None)


def reaches(principal: Principal, row: Endpoint | Event) -> bool:
    """The same of a row that was read."""
    whole(principal)
    if isinstance(principal, MerchantPerson):
        return row.merchant_id == principal.merchant_id
    if isinstance(principal, Service):
        return row.programme_id == principal.programme_id
    return row.merchant_id is None


def source_of(session: Session, owner: Owner) -> str:
    """The owner as events name their source: /programmes/CODE or /merchants/CODE."""
    if owner.merchant_id is not None:
        return f"/merchants/{known().code_of_merchant(session, owner.merchant_id)}"
    return f"/programmes/{programme_of(session, owner)}"


def programme_of(session: Session, owner: Owner) -> str | None:
    """The code of the programme; None where a merchant is the owner."""
    return None if owner.programme_id is None else known().code_of(session, owner.programme_id)


def whole(principal: Principal) -> None:
    """WholeProgrammeOnly, for who works for one area."""
    if getattr(principal, "area", ""):
        raise WholeProgrammeOnly()
