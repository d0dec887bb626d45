"""JSON of quotes and redemptions."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import MoneyView, Request, Text, View, WholeNumber
from catalog.gifts.greetings import GREETINGS
from catalog.gifts.models import VoucherGift
from catalog.goods.models import GoodsStep
from catalog.goods.schemas import AddressRequest, GoodsOrderView
from catalog.offers.models import Offer
from catalog.perks.forms import MOST_GUESTS, WAYS
from catalog.rates import rates
from catalog.redemptions.models import Redemption, Step
from catalog.redemptions.quotes import Priced
from catalog.services.orders import Service
from points.groups.groups import reference
from points.wallets.schemas import LotView, PageQuery, lot_view


class QuoteRequest(Request):
    """What to price."""

    offer = Text(required=True, most=40)
    units = WholeNumber(least=1, most=100, load_default=1)
    cash_fen = WholeNumber(
        least=0,
        load_default=0,
        metadata={"description": "how much of it to pay in money: one of the offer's choices, for all units"},
    )
    group = Text(
        most=40, load_default=None, metadata={"description": "a group whose points pay; left out: one's own"}
    )
    pay = ma.fields.String(
        validate=ma.validate.OneOf(WAYS),
        metadata={
            "description": "of a perk: from the own allowance or with points; left out: as its offer says"
        },
    )
    guests = WholeNumber(most=MOST_GUESTS, metadata={"description": "of a perk: how many come along"})
    companion = ma.fields.Boolean(metadata={"description": "of a perk: the guest is the linked companion"})
    to = Text(most=16, metadata={"description": "of a gift: the receiver's number in the same programme"})
    message = ma.fields.String(
        validate=ma.validate.OneOf(sorted(GREETINGS)), metadata={"description": "of a gift: a greeting"}
    )


ASKED_BY_KIND = ("pay", "guests", "companion", "to", "message")  # what only some kinds understand


class PerkDrawView(View):
    """What a perk takes from an allowance of the member's tier, as it stood before."""

    perk = ma.fields.String()
    uses = ma.fields.Integer(metadata={"description": "how many are taken"})
    left = ma.fields.Integer()
    allowed = ma.fields.Integer()
    resets_on = ma.fields.String()
    words = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


class ReceiverView(View):
    """Whom a gift is for, masked: look at it before you confirm."""

    number = ma.fields.String(allow_none=True)
    name = ma.fields.String(allow_none=True)


class ServiceView(View):
    """A service that an offer brings: for how many months the points pay, and its monthly price."""

    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    months = ma.fields.Integer()
    monthly = ma.fields.Nested(MoneyView)


class QuoteView(View):
    """The exact price and the very lots; lives some minutes, holds nothing, is used once."""

    id = ma.fields.String()
    offer = ma.fields.String()
    units = ma.fields.Integer()
    price_points = ma.fields.Integer()
    value = ma.fields.Nested(MoneyView)
    cash = ma.fields.Nested(MoneyView, metadata={"description": "the part of it that is paid in money"})
    worth_as_bill_credit = ma.fields.Nested(MoneyView)
    fen_per_100_points = ma.fields.Integer(allow_none=True)
    bill_credit_fen_per_100_points = ma.fields.Integer(allow_none=True)
    is_worth_less = ma.fields.Boolean(
        metadata={"description": "the points would be worth more as bill credit; show it with the price"}
    )
    lapsing = ma.fields.Dict(
        keys=ma.fields.Integer(),
        values=ma.fields.Integer(),
        metadata={"description": "points that lapse within so many days if nothing is redeemed"},
    )
    balance_after = ma.fields.Integer()
    lots = ma.fields.List(ma.fields.Nested(LotView))
    ends_at = ma.fields.AwareDateTime()
    pay = ma.fields.String(allow_none=True, metadata={"description": "of a perk: entitlement or points"})
    guests = ma.fields.Integer()
    allowances = ma.fields.List(ma.fields.Nested(PerkDrawView))
    receiver = ma.fields.Nested(
        ReceiverView,
        allow_none=True,
        metadata={"description": "of a gift; a code to confirm it went to the giver's number"},
    )
    services = ma.fields.List(
        ma.fields.Nested(ServiceView), metadata={"description": "what a service in it costs by the month"}
    )
    needs_code = ma.fields.Boolean(
        metadata={"description": "confirmed from here it needs a code: see POST /v1/quotes/{quote}/code"}
    )
    code_because = ma.fields.String(
        allow_none=True, metadata={"description": "gift, value, device or number"}
    )


class CodeSentView(View):
    """Where the code went."""

    number = ma.fields.String(metadata={"description": "masked"})
    minutes = ma.fields.Integer(metadata={"description": "how long it counts"})


class RedemptionRequest(Request):
    """The quote to confirm."""

    quote = Text(required=True, most=40)
    code = Text(
        most=12,
        load_default=None,
        metadata={"description": "the code that was sent to the member, where the quote needs one"},
    )
    address = ma.fields.Nested(
        AddressRequest,
        load_default=None,
        metadata={"description": "where to; needed for goods that are sent"},
    )


class StepView(View):
    """A step of a redemption's timeline."""

    state = ma.fields.String()
    at = ma.fields.String()
    by = ma.fields.String(metadata={"description": "member, staff, service, merchant or job"})
    channel = ma.fields.String()
    reason = ma.fields.String(allow_none=True)


class RedemptionView(View):
    """A redemption and where it stands."""

    id = ma.fields.String()
    offer = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    kind = ma.fields.String()
    units = ma.fields.Integer()
    price_points = ma.fields.Integer()
    value_fen = ma.fields.Integer()
    cash_fen = ma.fields.Integer(metadata={"description": "the part paid in cash"})
    state = ma.fields.String()
    at = ma.fields.String()
    changed_at = ma.fields.String()
    group = ma.fields.String(allow_none=True, metadata={"description": "the group whose points paid"})
    voucher = ma.fields.String(
        allow_none=True, metadata={"description": "id of the voucher; its code is at /v1/vouchers/{id}"}
    )


class GivenView(View):
    """Whom a redemption is for."""

    to = ma.fields.String(metadata={"description": "masked"})
    message = ma.fields.String(allow_none=True)
    undo_until = ma.fields.String()


class PartView(View):
    """A part of a bundle and whether it was given."""

    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    kind = ma.fields.String()
    units = ma.fields.Integer()
    state = ma.fields.String(metadata={"description": "waiting, given or undone"})


class CourseView(RedemptionView):
    """A redemption with its whole timeline, that of its goods included."""

    timeline = ma.fields.List(ma.fields.Nested(StepView))
    gift = ma.fields.Nested(GivenView, allow_none=True)
    goods = ma.fields.Nested(GoodsOrderView, allow_none=True)
    parts = ma.fields.List(ma.fields.Nested(PartView), metadata={"description": "of a bundle"})


class RedemptionsQuery(PageQuery):
    """Which redemptions: one's own, or those that one made for a group."""

    group = Text(most=40, load_default=None)


class RedemptionsView(View):
    """A page of redemptions."""

    data = ma.fields.List(ma.fields.Nested(RedemptionView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def quote_view(
    priced: Priced,
    currency: str,
    services: list[tuple[Offer, Service]],
    receiver: dict[str, str | None] | None = None,
) -> dict[str, Any]:
    """The quote as QuoteView."""
    quote = priced.quote
    return {
        "id": ids.public("quo", quote.member_id, quote.quote_id),
        "offer": ids.public("off", quote.offer_id),
        "units": quote.units,
        "price_points": quote.price_points,
        "value": {"amount_fen": quote.value_fen, "currency": currency},
        "cash": {"amount_fen": quote.cash_fen, "currency": currency},
        "fen_per_100_points": _per_100(quote.price_points, priced.worth_fen),
        "bill_credit_fen_per_100_points": _per_100(quote.price_points, priced.worth_as_credit_fen),
        "is_worth_less": priced.is_worth_less,
        "lapsing": priced.lapsing,
        "worth_as_bill_credit": {"amount_fen": priced.worth_as_credit_fen, "currency": currency},
        "balance_after": priced.balance_after,
        "lots": [lot_view(*lot) for lot in priced.taken],
        "ends_at": quote.ends_at,
        "pay": quote.details.get("pay"),
        "guests": quote.details.get("guests", 0),
        "allowances": quote.details.get("draws", []),
        "receiver": receiver,
        "services": [
            {
                "names": offer.names,
                "months": service.months,
                "monthly": {"amount_fen": service.monthly_fen, "currency": currency},
            }
            for offer, service in services
        ],
    }


def redemption_view(row: Redemption, offer: Offer, voucher_id: int | None) -> dict[str, Any]:
    """The redemption as RedemptionView; plain JSON, for it is stored with the idempotency key (never the code)."""
    return {
        "id": ids.public("red", row.member_id, row.redemption_id),
        "offer": ids.public("off", row.offer_id),
        "names": offer.names,
        "kind": row.kind,
        "units": row.units,
        "price_points": row.price_points,
        "value_fen": row.value_fen,
        "cash_fen": row.cash_fen,
        "state": row.state,
        "at": row.at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
        "group": reference(row.member_id) if row.spender_id is not None else None,
        "voucher": ids.public("vch", row.member_id, voucher_id) if voucher_id else None,
    }


def gift_view(gift: VoucherGift) -> dict[str, Any]:
    """The gift as GivenView."""
    return {
        "to": gift.receiver_masked,
        "message": gift.message,
        "undo_until": gift.send_at.isoformat(),
    }


def step_view(step: Step | GoodsStep) -> dict[str, Any]:
    """A step as StepView: of the actor only what kind it is, never who."""
    return {
        "state": step.state,
        "at": step.at.isoformat(),
        "by": step.actor.partition(":")[0],
        "channel": step.channel,
        "reason": step.reason,
    }


def _per_100(points: int, fen: int) -> int | None:
    return rates.fen_per_100(points, fen) if points else None
