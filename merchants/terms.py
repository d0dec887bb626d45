"""Terms: what is owed for an acceptance, by date, exact to the fen."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import clock, database, ids
from base.errors import Conflict
from base.halts import halts
from base.money import BASIS_POINTS, share
from merchants import merchants
from merchants.models import Terms, TermsConfirmation

DAY_S = 86_400


class NoTermsInForce(Conflict):
    """No terms are in force for this merchant."""

    zh = "该商户没有生效的结算条款。"
    next_en, next_zh = (
        "The operator has to agree terms with this merchant first.",
        "请运营商先与该商户签订结算条款。",
    )


@dataclass(frozen=True)
class Due:
    """What a merchant gets for an acceptance, what the platform keeps of it, the tax on that, a brand's part of it (fen)."""

    owed_fen: int
    fee_fen: int
    vat_fen: int
    brand_fen: int = 0

    @property
    def net_fen(self) -> int:
        return self.owed_fen - self.fee_fen - self.vat_fen


def add(
    session: Session,
    merchant_id: int,
    from_day: date,
    *,
    price_bp: int,
    fee_bp: int,
    vat_bp: int,
    void_window_s: int,
    manager_void_window_s: int = DAY_S,
    typed_limit_fen: int = 5_000,
    direct_accept: bool = False,
    approval: str | None = None,
    confirmed: bool = True,
    **more: Any,
) -> Terms:
    """A further version; an earlier one is never edited. `more`: other columns of Terms.

    Not `confirmed`: it counts once the merchant's owner agrees.
    """
    terms = Terms(
        terms_id=ids.new_id(),
        merchant_id=merchant_id,
        from_day=from_day,
        price_bp=price_bp,
        fee_bp=fee_bp,
        vat_bp=vat_bp,
        void_window_s=void_window_s,
        manager_void_window_s=manager_void_window_s,
        typed_limit_fen=typed_limit_fen,
        direct_accept=direct_accept,
        approval=approval,
        **more,
    )
    session.add(terms)
    session.flush()
    if confirmed:
        confirm(session, terms, None, clock.now())
    return terms


def confirm(session: Session, terms: Terms, clerk_id: int | None, at: datetime) -> None:
    """The merchant agrees; a second time changes nothing."""
    values = {"terms_id": terms.terms_id, "merchant_id": terms.merchant_id, "clerk_id": clerk_id, "at": at}
    session.execute(
        insert(TermsConfirmation).values(values).on_conflict_do_nothing(index_elements=["terms_id"])
    )


def is_confirmed(session: Session, terms: Terms) -> bool:
    """Whether the merchant has agreed to a version."""
    return session.get(TermsConfirmation, terms.terms_id) is not None


@dataclass(frozen=True)
class House:
    """A merchant at a moment: its day, and the terms under which something is accepted on it."""

    zone: str
    currency: str
    today: date
    terms_id: int
    price_bp: int
    fee_bp: int
    vat_bp: int
    typed_limit_fen: int
    direct_accept: bool
    prices: dict[str, dict[str, int]]
    fee_fixed_fen: int
    fee_cap_fen: int | None
    merchant_bp: int
    brand_bp: int
    stopped: list[int] | None  # programmes in which nothing is accepted


def house(session: Session, merchant_id: int, at: datetime) -> House:
    """What a till needs to know of its merchant; MerchantNotOpen, NoTermsInForce."""
    for state, *known in database.rows(session, _HOUSE, (halts.ACCEPT, at, merchant_id)):
        merchants.check_takes(state)
        found = House(*known)
        if found.terms_id is not None:
            return found
    raise NoTermsInForce()


# Asked with every check and acceptance, so in words that need no compiling.
_HOUSE = (
    "select m.state, m.zone, m.currency, d.today, t.terms_id, t.price_bp, t.fee_bp, t.vat_bp, t.typed_limit_fen, "
    "t.direct_accept, t.prices, t.fee_fixed_fen, t.fee_cap_fen, t.merchant_bp, t.brand_bp, "
    f"{halts.STOPPED} "
    "from merchant m cross join lateral (select (%s::timestamptz at time zone m.zone)::date as today) d "
    "left join lateral (select * from terms join terms_confirmation using (terms_id, merchant_id) "
    "where merchant_id = m.merchant_id and from_day <= d.today "
    "order by from_day desc limit 1) t on true where m.merchant_id = %s"
)


def in_force(session: Session, merchant_id: int, on: date) -> Terms:
    """The version in force on a day, the latest that the merchant has agreed to; NoTermsInForce."""
    found = session.scalar(
        select(Terms)
        .join(TermsConfirmation, TermsConfirmation.terms_id == Terms.terms_id)
        .where(Terms.merchant_id == merchant_id, Terms.from_day <= on)
        .order_by(Terms.from_day.desc())
        .limit(1)
    )
    if found is None:
        raise NoTermsInForce(on=str(on))
    return found


def due(
    terms: "House | Terms", face_fen: int, *, offer_id: int = 0, units: int = 1, merchant_bp: int = 0
) -> Due:
    """What is owed for units of an offer that are worth `face_fen` in all, and the fee and tax on it; each rounded once.

    `merchant_bp`: what the merchant bears of the price of this offer, where it has offered to bear more than the terms say.
    """
    price = _price(terms, face_fen, offer_id, units)
    owed = price - price * max(terms.merchant_bp, merchant_bp) // BASIS_POINTS
    fee = min(share(owed, terms.fee_bp) + terms.fee_fixed_fen, owed)
    if terms.fee_cap_fen is not None:
        fee = min(fee, terms.fee_cap_fen)
    return Due(owed, fee, share(fee, terms.vat_bp), min(price * terms.brand_bp // BASIS_POINTS, owed))


def _price(terms: "House | Terms", face_fen: int, offer_id: int, units: int) -> int:
    said = terms.prices.get(str(offer_id), {"bp": terms.price_bp})
    return said["fen"] * units if "fen" in said else share(face_fen, said["bp"])


def versions(session: Session, merchant_id: int) -> list[Terms]:
    """All versions of a merchant's terms, newest first."""
    return list(
        session.scalars(select(Terms).where(Terms.merchant_id == merchant_id).order_by(Terms.from_day.desc()))
    )
