"""Forms for what a merchant and the operator agree: a version of the terms from a day on, a pack of points that was bought."""

import uuid
from datetime import timedelta

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from admin.console.approvals.pages import url_of
from admin.console.http import page
from admin.console.partners.http import (
    chosen,
    day,
    day_or_none,
    once,
    text,
    text_or_none,
    whole,
    whole_or_none,
)
from base import clock, database
from base.auth.guard import current, needs
from base.errors import field_errors
from base.web.i18n import gettext as _
from merchants import scope, words
from merchants.agreements import proposals
from merchants.agreements.wanted import BP, FEN, LAST_MINUTE, MOST, MOST_BRAND, Prices, Wanted
from merchants.models import CYCLES, ISSUING_RULES, MONTHLY
from merchants.packs import proposals as packs

blueprint = Blueprint("agreements", __name__)

MOST_REASON = 500
MOST_MINUTES = MOST["void_window_s"] // 60


@blueprint.route("/merchants/<merchant>/terms/new")
@needs(proposals.PROPOSES)
def terms_form(merchant: str) -> ResponseReturnValue:
    """The form for a version of the terms, filled with the latest one."""
    with database.begin() as session:
        found = scope.merchant(session, current(), merchant)
        before = proposals.listed(session, found.merchant_id, limit=1)
        prices = proposals.prices_of(before[0]) if before else {}
    return page(
        "console/merchant_terms.html",
        merchant=found,
        before=before[0] if before else None,
        prices="\n".join(
            f"{offer} {value} {name}" for offer, price in prices.items() for name, value in price.items()
        ),
        tomorrow=clock.day(clock.now(), found.zone) + timedelta(days=1),
        words=words,
        key=uuid.uuid4(),
    )


@blueprint.route("/merchants/<merchant>/terms", methods=["POST"])
@needs(proposals.PROPOSES)
def propose_terms(merchant: str) -> ResponseReturnValue:
    """Propose it."""
    wanted, reason = _terms(), text("reason", MOST_REASON)

    def effect(session: Session) -> int:
        found = scope.merchant(session, current(), merchant)
        case = proposals.propose(session, current(), found, wanted, reason, clock.now())
        return case.proposal.proposal_id

    return redirect(url_of(proposals.KIND, int(once([request.path, vars(wanted), reason], effect))), 303)


@blueprint.route("/merchants/<merchant>/packs/new")
@needs(packs.PROPOSES)
def pack_form(merchant: str) -> ResponseReturnValue:
    """The form for a pack of points that the merchant bought."""
    with database.begin() as session:
        found = scope.merchant(session, current(), merchant)
    today = clock.day(clock.now(), found.zone)
    return page("console/merchant_pack.html", merchant=found, today=today, key=uuid.uuid4())


@blueprint.route("/merchants/<merchant>/packs", methods=["POST"])
@needs(packs.PROPOSES)
def propose_pack(merchant: str) -> ResponseReturnValue:
    """Propose it."""
    wanted = packs.Wanted(
        whole("points", 1, packs.MOST_POINTS),
        whole("price_fen", 0, packs.MOST_FEN),
        day("from_day"),
        day_or_none("until_day"),
        text("reference", packs.MOST_REFERENCE),
    )
    reason = text("reason", MOST_REASON)

    def effect(session: Session) -> int:
        found = scope.merchant(session, current(), merchant)
        return packs.propose(session, current(), found, wanted, reason, clock.now()).proposal.proposal_id

    return redirect(url_of(packs.KIND, int(once([request.path, vars(wanted), reason], effect))), 303)


def _terms() -> Wanted:
    return Wanted(
        day("from_day"),
        price_bp=whole("price_bp", 0, MOST["price_bp"]),
        fee_bp=whole("fee_bp", 0, MOST["fee_bp"]),
        vat_bp=whole("vat_bp", 0, MOST["vat_bp"]),
        void_window_s=60 * whole("void_min", 0, MOST_MINUTES),
        manager_void_window_s=60 * whole("manager_void_min", 0, MOST_MINUTES),
        typed_limit_fen=whole("typed_limit_fen", 0, MOST["typed_limit_fen"]),
        direct_accept=bool(request.form.get("direct_accept")),
        prices=_prices(),
        fee_cap_fen=whole_or_none("fee_cap_fen", MOST["fee_cap_fen"]),
        brand=text_or_none("brand", MOST_BRAND),
        cycle=chosen("cycle", (MONTHLY, *CYCLES)),
        cutoff_minute=_minute("cutoff"),
        issuing_rule=chosen("issuing_rule", ISSUING_RULES),
        **{name: said for name in _NUMBERS if (said := whole_or_none(name, MOST[name])) is not None},
    )


# What the form may leave empty: it is then as for whoever says nothing.
_NUMBERS = (
    "fee_fixed_fen",
    "merchant_bp",
    "brand_bp",
    "draft_days",
    "pay_days",
    "reserve_bp",
    "reserve_days",
    "minimum_fen",
    "issuing_fen",
    "points_per_100_yuan",
)


def _minute(name: str) -> int:
    """A time of day as minutes after midnight."""
    said = request.form.get(name, "").strip() or "00:00"
    hours, colon, minutes = said.partition(":")
    if colon and all(part.isascii() and part.isdigit() and len(part) == 2 for part in (hours, minutes)):
        minute = 60 * int(hours) + int(minutes)
        if int(minutes) < 60 and minute <= LAST_MINUTE:
            return minute
    raise field_errors({name: _("a time of day, as 06:00")})


def _prices() -> Prices:
    """Lines of an offer's id, a number, and bp or fen."""
    found: Prices = {}
    for number, line in enumerate(request.form.get("prices", "").splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 3 or parts[2] not in (BP, FEN) or not (parts[1].isascii() and parts[1].isdigit()) or len(parts[1]) > 15:  # fmt: skip
            raise field_errors(
                {"prices": _("line %(number)s: an offer's id, a number, and bp or fen", number=number)}
            )
        if parts[0] in found:
            raise field_errors(
                {"prices": _("line %(number)s: this offer has a price already", number=number)}
            )
        found[parts[0]] = {parts[2]: int(parts[1])}
    return found
