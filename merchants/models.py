"""Tables of merchants, their outlets and terms, and of what was accepted at their tills."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from base.database import Base

CHECKED, DIRECT = "check", "direct"
INVITED, DOCUMENTS, REVIEWED, EQUIPPED, TRIED = "invited", "documents", "reviewed", "equipped", "tried"
ACTIVE, SUSPENDED, LEAVING, CLOSED = "active", "suspended", "leaving", "closed"
JOINING = (INVITED, DOCUMENTS, REVIEWED, EQUIPPED, TRIED)
STAGES = (*JOINING, ACTIVE, SUSPENDED, LEAVING, CLOSED)
AT_TILLS = (EQUIPPED, TRIED, ACTIVE, LEAVING)  # its clerks may sign in at its tills
TAKING = (ACTIVE, LEAVING)  # its tills take vouchers
DAILY, WEEKLY, MONTHLY = "daily", "weekly", "monthly"
CYCLES = (DAILY, WEEKLY, MONTHLY)
POSTPAID, WARN, STOP = "postpaid", "warn", "stop"
ISSUING_RULES = (
    POSTPAID,
    WARN,
    STOP,
)  # what is issued without a pack is owed; it warns as well; it is refused
ADJUSTMENT, CLAWBACK, DISPUTE_HELD, DISPUTE_RELEASED = (
    "adjustment",
    "clawback",
    "dispute-held",
    "dispute-released",
)
RESERVE_IN, RESERVE_OUT = "reserve-in", "reserve-out"


class Merchant(Base):
    """A partner. `state` is one of STAGES and decides what its tills may do; `area`: the code of where it is, empty: none."""

    __tablename__ = "merchant"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    zone: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    city: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default=ACTIVE)
    area: Mapped[str] = mapped_column(Text, default="")


class Outlet(Base):
    """One shop of a merchant. `area`: the code of its city or county; `hours`: [{"days": [1, 2], "from": "09:00", "until":
    "21:00"}], days from Monday (1), in the merchant's zone; until at or before from is on the day after.
    """

    __tablename__ = "outlet"
    outlet_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    address: Mapped[dict[str, str]] = mapped_column(JSONB)
    area: Mapped[str] = mapped_column(Text, default="")
    hours: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)


class Terms(Base):
    """What platform and merchant owe each other, from a day on; never edited. Shares in basis points.

    `price_bp` of the face value is the price of a use, unless `prices` names its offer: {"<offer id>": {"bp": 9000}} or
    {"fen": 1500}, the latter for each unit. Of the price the merchant bears `merchant_bp` and `brand` bears `brand_bp`.
    The fee is `fee_bp` of what is owed and `fee_fixed_fen`, at most `fee_cap_fen` (None: no cap); tax on it `vat_bp`.
    `cycle`: one of CYCLES; a day ends `cutoff_minute` minutes after midnight. After a period the merchant looks for
    `draft_days` business days, then it is sealed; `pay_days` business days after it, it is paid, from `minimum_fen` on.
    `reserve_bp` of it stay here for `reserve_days` days. For a purchase of 100 yuan (10,000 fen) members earn
    `points_per_100_yuan` here, 0: none; `issuing_fen` is the price of 1,000 of them, as far as no pack of the merchant pays
    them, and `issuing_rule`, one of ISSUING_RULES, says what happens then. `typed_limit_fen`: up to this value a code is enough by itself;
    above it the digits of the picture are needed too. `direct_accept`: its cash-desk systems may accept without a check before.
    """

    __tablename__ = "terms"
    terms_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    from_day: Mapped[date] = mapped_column(Date)
    price_bp: Mapped[int] = mapped_column(Integer)
    fee_bp: Mapped[int] = mapped_column(Integer)
    vat_bp: Mapped[int] = mapped_column(Integer)
    void_window_s: Mapped[int] = mapped_column(Integer)
    manager_void_window_s: Mapped[int] = mapped_column(Integer)
    typed_limit_fen: Mapped[int] = mapped_column(BigInteger)
    direct_accept: Mapped[bool]
    approval: Mapped[str | None] = mapped_column(Text)
    prices: Mapped[dict[str, dict[str, int]]] = mapped_column(JSONB, default=dict)
    fee_fixed_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    fee_cap_fen: Mapped[int | None] = mapped_column(BigInteger)
    merchant_bp: Mapped[int] = mapped_column(Integer, default=0)
    brand_bp: Mapped[int] = mapped_column(Integer, default=0)
    brand: Mapped[str] = mapped_column(Text, default="")
    cycle: Mapped[str] = mapped_column(Text, default=MONTHLY)
    cutoff_minute: Mapped[int] = mapped_column(Integer, default=0)
    draft_days: Mapped[int] = mapped_column(Integer, default=2)
    pay_days: Mapped[int] = mapped_column(Integer, default=2)
    reserve_bp: Mapped[int] = mapped_column(Integer, default=0)
    reserve_days: Mapped[int] = mapped_column(Integer, default=0)
    minimum_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    issuing_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    issuing_rule: Mapped[str] = mapped_column(Text, default=POSTPAID)
    points_per_100_yuan: Mapped[int] = mapped_column(BigInteger, default=0)


class TermsConfirmation(Base):
    """The merchant's owner has agreed to a version of terms (no clerk: agreed before there were confirmations here)."""

    __tablename__ = "terms_confirmation"
    terms_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    clerk_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]


class Acceptance(Base):
    """A use of a voucher at a till, with all amounts frozen; `void_id` is the only column that ever changes.

    Of `owed_fen` a brand bears `brand_fen`; `booked_fen` is what the used units were booked at when they were redeemed.
    """

    __tablename__ = "acceptance"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    acceptance_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    voucher_id: Mapped[int] = mapped_column(BigInteger)
    use_no: Mapped[int] = mapped_column(Integer)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[int] = mapped_column(BigInteger)
    terminal_id: Mapped[int] = mapped_column(BigInteger)
    clerk_id: Mapped[int] = mapped_column(BigInteger)
    shift_id: Mapped[int | None] = mapped_column(BigInteger)
    terms_id: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(BigInteger)
    owed_fen: Mapped[int] = mapped_column(BigInteger)
    fee_fen: Mapped[int] = mapped_column(BigInteger)
    vat_fen: Mapped[int] = mapped_column(BigInteger)
    booked_fen: Mapped[int] = mapped_column(BigInteger)
    brand_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    recorded_at: Mapped[datetime]
    void_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text, default=CHECKED)
    currency: Mapped[str] = mapped_column(Text)
    last4: Mapped[str] = mapped_column(Text)
    offer_names: Mapped[dict[str, str]] = mapped_column(JSONB)


class Void(Base):
    """The undoing of an acceptance, once."""

    __tablename__ = "void"
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    void_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    acceptance_id: Mapped[int] = mapped_column(BigInteger)
    merchant_id: Mapped[int] = mapped_column(BigInteger)
    terminal_id: Mapped[int] = mapped_column(BigInteger)
    clerk_id: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class MerchantItem(Base):
    """What else a statement has a line for: an adjustment, a clawback, a dispute's hold or release, a move of the reserve.

    Signed fen, minus against the merchant; never changed. `about_id`: the acceptance of a clawback or adjustment, the dispute,
    or the number of the statement whose reserve moves (0: nothing); `member_id`: whose that is (0: nobody's).
    """

    __tablename__ = "merchant_item"
    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    item_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, default=0)
    about_id: Mapped[int] = mapped_column(BigInteger, default=0)
    owed_fen: Mapped[int] = mapped_column(BigInteger)
    fee_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    vat_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    brand_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    recorded_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    approval: Mapped[str | None] = mapped_column(Text)


class BusinessDay(Base):
    """A day on which banks are open or closed although its weekday says otherwise; public holidays are decreed each year."""

    __tablename__ = "business_day"
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    is_open: Mapped[bool]
