"""Terms: what is owed for an acceptance, by date, exact to the fen."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import database, ids
from base.errors import Conflict
from base.money import share
from merchants.models import Terms

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
    """What a merchant gets for an acceptance, what the platform keeps of it, and the tax on that (fen)."""

    owed_fen: int
    fee_fen: int
    vat_fen: int

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
) -> Terms:
    """A further version; an earlier one is never edited."""
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
    )
    session.add(terms)
    session.flush()
    return terms


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


def house(session: Session, merchant_id: int, at: datetime) -> House:
    """What a till needs to know of its merchant; NoTermsInForce."""
    for row in database.rows(session, _HOUSE, (at, merchant_id)):
        if row.terms_id is not None:
            return House(*row)
    raise NoTermsInForce()


# Asked with every check and acceptance, so in words that need no compiling.
_HOUSE = (
    "select m.zone, m.currency, d.today, t.terms_id, t.price_bp, t.fee_bp, t.vat_bp, t.typed_limit_fen, t.direct_accept "
    "from merchant m cross join lateral (select (%s::timestamptz at time zone m.zone)::date as today) d "
    "left join lateral (select * from terms where merchant_id = m.merchant_id and from_day <= d.today "
    "order by from_day desc limit 1) t on true where m.merchant_id = %s"
)


def in_force(session: Session, merchant_id: int, on: date) -> Terms:
    """The version in force on a day; NoTermsInForce."""
    found = session.scalar(
        select(Terms)
        .where(Terms.merchant_id == merchant_id, Terms.from_day <= on)
        .order_by(Terms.from_day.desc())
        .limit(1)
    )
    if found is None:
        raise NoTermsInForce(on=str(on))
    return found


def due(terms: "House | Terms", face_fen: int) -> Due:
    """Price as a share of the face value, fee as a share of the price, tax as a share of the fee; each rounded once."""
    owed = share(face_fen, terms.price_bp)
    fee = share(owed, terms.fee_bp)
    return Due(owed, fee, share(fee, terms.vat_bp))


def versions(session: Session, merchant_id: int) -> list[Terms]:
    """All versions of a merchant's terms, newest first."""
    return list(
        session.scalars(select(Terms).where(Terms.merchant_id == merchant_id).order_by(Terms.from_day.desc()))
    )
