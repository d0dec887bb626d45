"""JSON of vouchers and of the till."""

from typing import Any

import marshmallow as ma

from base import ids
from base.http.api import Request, Text, View, WholeNumber
from base.idempotency import Answer
from catalog.gifts.greetings import GREETINGS
from catalog.gifts.models import VoucherGift
from catalog.offers.models import Offer
from catalog.vouchers.codes import Picture
from catalog.vouchers.models import Voucher
from catalog.vouchers.shelf import HEAPS, USABLE, Kept
from catalog.vouchers.using import Checked
from merchants.models import Acceptance, Void
from points.wallets.schemas import PageQuery

CLERK = "the clerk's number, from a cash-desk system; a till where a clerk is signed in leaves it out"


class FromFriendView(View):
    """From whom a voucher came as a gift."""

    giver = ma.fields.String(metadata={"description": "masked"})
    message = ma.fields.String(allow_none=True)
    words = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())


class VoucherRowView(View):
    """A voucher in the list; its code is at /v1/vouchers/{id}."""

    id = ma.fields.String()
    state = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    merchant = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    face_fen = ma.fields.Integer()
    units = ma.fields.Integer()
    units_left = ma.fields.Integer()
    last_day = ma.fields.Date()
    from_friend = ma.fields.Nested(
        FromFriendView, allow_none=True, metadata={"description": "where another member gave it"}
    )


class VouchersQuery(PageQuery):
    """Which vouchers."""

    heap = ma.fields.String(load_default=USABLE, validate=ma.validate.OneOf(HEAPS))


class VouchersView(View):
    """A page of vouchers: usable ones soonest-lapsing first, the others latest first."""

    data = ma.fields.List(ma.fields.Nested(VoucherRowView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


class CodePictureView(View):
    """What the picture for the till says from a moment on, for 30 seconds."""

    from_at = ma.fields.AwareDateTime()
    text = ma.fields.String()
    digits = ma.fields.String(metadata={"description": "shown under the picture"})


class VoucherView(View):
    """A voucher for its member, code and picture included."""

    id = ma.fields.String()
    state = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    face_fen = ma.fields.Integer()
    units = ma.fields.Integer()
    units_left = ma.fields.Integer()
    last_day = ma.fields.Date()
    code = ma.fields.String(allow_none=True)
    pictures = ma.fields.List(
        ma.fields.Nested(CodePictureView),
        metadata={"description": "of the next five minutes; empty once it is unusable"},
    )


class CheckRequest(Request):
    """The code as scanned or typed; typed above the limit of the terms it needs the digits under the picture as well."""

    code = Text(required=True, most=80)
    digits = Text(most=20)
    clerk = Text(most=40, metadata={"description": CLERK})


class CheckView(View):
    """The voucher, held for this till, and the token that accepts it."""

    check_token = ma.fields.String()
    held_until = ma.fields.AwareDateTime()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    face_fen = ma.fields.Integer()
    units_left = ma.fields.Integer()
    last_day = ma.fields.Date()
    last4 = ma.fields.String()
    member = ma.fields.String(metadata={"description": "masked"})


class ReleaseRequest(Request):
    """The token of a check."""

    check_token = Text(required=True, most=100)
    clerk = Text(most=40, metadata={"description": CLERK})


class AcceptRequest(Request):
    """What to accept, by the token of a check or directly by its code; units default to all that is left."""

    check_token = Text(most=100)
    code = Text(most=80)
    digits = Text(most=20)
    units = WholeNumber(least=1, most=10**12)
    clerk = Text(most=40, metadata={"description": CLERK})

    @ma.validates_schema
    def _one_of_both(self, told: dict[str, Any], **options: Any) -> None:
        if ("check_token" in told) == ("code" in told):
            raise ma.ValidationError("either check_token or code", "check_token")


class AcceptanceView(View):
    """An acceptance with what is owed for it."""

    id = ma.fields.String()
    names = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    last4 = ma.fields.String()
    units = ma.fields.Integer()
    owed_fen = ma.fields.Integer()
    fee_fen = ma.fields.Integer()
    vat_fen = ma.fields.Integer()
    recorded_at = ma.fields.String()
    voided = ma.fields.Boolean()


class VoidRequest(Request):
    """Why it is undone."""

    reason = Text(required=True, most=200)
    clerk = Text(most=40, metadata={"description": CLERK})


class VoidView(View):
    """The undoing of an acceptance."""

    id = ma.fields.String()
    acceptance = ma.fields.String()
    recorded_at = ma.fields.String()


class TillOutcomeView(View):
    """What became of a request: done, with its answer; or none: not committed so far, safe to send again with its key."""

    outcome = ma.fields.String(metadata={"enum": ["done", "none"]})
    status = ma.fields.Integer(allow_none=True)
    answer = ma.fields.Dict(allow_none=True)


def voucher_row_view(kept: Kept, gift: VoucherGift | None) -> dict[str, Any]:
    """The voucher as VoucherRowView."""
    voucher = kept.voucher
    return {
        "id": ids.public("vch", voucher.member_id, voucher.voucher_id),
        "state": kept.state,
        "names": kept.offer.names,
        "merchant": kept.merchant.names,
        "face_fen": voucher.face_fen,
        "units": voucher.units,
        "units_left": voucher.units_left,
        "last_day": voucher.last_day,
        "from_friend": gift and from_friend_view(gift),
    }


def from_friend_view(gift: VoucherGift) -> dict[str, Any]:
    """The gift as FromFriendView, for its receiver."""
    said = GREETINGS.get(gift.message or "", {})
    words = {
        "zh-CN": f"好友 {gift.giver_masked} 赠送。{said.get('zh-CN', '')}",
        "en": f"From a friend, {gift.giver_masked}. {said.get('en', '')}".strip(),
    }
    return {"giver": gift.giver_masked, "message": gift.message, "words": words}


def voucher_view(
    voucher: Voucher, offer: Offer, state: str, code: str | None, pictures: list[Picture]
) -> dict[str, Any]:
    """The voucher as VoucherView; the code only while it can still be used."""
    return {
        "id": ids.public("vch", voucher.member_id, voucher.voucher_id),
        "state": state,
        "names": offer.names,
        "face_fen": voucher.face_fen,
        "units": voucher.units,
        "units_left": voucher.units_left,
        "last_day": voucher.last_day,
        "code": code,
        "pictures": [{"from_at": p.from_at, "text": p.text, "digits": p.digits} for p in pictures],
    }


def check_view(checked: Checked, member: str) -> dict[str, Any]:
    """The check as CheckView."""
    voucher = checked.voucher
    return {
        "check_token": checked.token,
        "held_until": voucher.held_until,
        "names": checked.offer.names,
        "face_fen": voucher.face_fen,
        "units_left": voucher.units_left,
        "last_day": voucher.last_day,
        "last4": voucher.last4,
        "member": member,
    }


def acceptance_view(row: Acceptance) -> dict[str, Any]:
    """The acceptance as AcceptanceView; plain JSON, for it is stored with the idempotency key."""
    return {
        "id": ids.public("acc", row.member_id, row.acceptance_id),
        "names": row.offer_names,
        "last4": row.last4,
        "units": row.units,
        "owed_fen": row.owed_fen,
        "fee_fen": row.fee_fen,
        "vat_fen": row.vat_fen,
        "recorded_at": row.recorded_at.isoformat(),
        "voided": row.void_id is not None,
    }


def void_view(row: Void) -> dict[str, Any]:
    """The void as VoidView."""
    return {
        "id": ids.public("voi", row.member_id, row.void_id),
        "acceptance": ids.public("acc", row.member_id, row.acceptance_id),
        "recorded_at": row.recorded_at.isoformat(),
    }


def outcome_view(found: Answer | None) -> dict[str, Any]:
    """The answer as TillOutcomeView."""
    if found is None:
        return {"outcome": "none", "status": None, "answer": None}
    return {"outcome": "done", "status": found.status, "answer": found.body}
