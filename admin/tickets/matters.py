"""What a ticket or a contact can be about: a movement of points, a bill line, a redemption, a voucher, its use, a dispute, a message.

Named by its public id; a movement as "posting 12", a bill line as "bill 2026-09 line 1", as in the ledger's references.
What is not the member's own, or of a group that the member spends for, is not there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from admin.tickets import subjects
from base import ids
from base.errors import NotFound
from base.notices.models import Notice
from catalog.offers import offers
from catalog.offers.models import EVENT, GOODS
from catalog.redemptions import redemptions
from catalog.vouchers import life
from merchants.disputes.models import Dispute
from merchants.models import Acceptance
from points.groups import spending
from points.kinds import Kind
from points.models import BillLine, PostingRow
from points.wallets.schemas import posting_view

POSTING, BILL_LINE, REDEMPTION, VOUCHER, ACCEPTANCE, DISPUTE, MESSAGE = KINDS = (
    "posting", "bill-line", "redemption", "voucher", "acceptance", "dispute", "message",
)  # fmt: skip
MOST = 120
_POSTING = re.compile(r"posting ([1-9][0-9]{0,8})", re.ASCII)
_BILL = re.compile(r"bill (\S{1,64}) line ([0-9]{1,9})", re.ASCII)


class AboutUnknown(NotFound):
    """There is nothing of this member's by that number."""

    zh = "该会员名下没有这个编号。"
    next_en, next_zh = (
        "Copy the number from the page again, or leave it out.",
        "请从页面重新复制编号，或留空不填。",
    )


@dataclass(frozen=True, slots=True)
class Matter:
    """Something of a member's: its number and kind, what it is called, and the subject under which it usually comes."""

    reference: str
    kind: str
    names: dict[str, str]
    subject: str


def find(session: Session, member_id: int, about: str) -> Matter:
    """What a number names, if it is the member's to speak of; AboutUnknown."""
    if found := _POSTING.fullmatch(about):
        return _posting(session, member_id, int(found[1]))
    if found := _BILL.fullmatch(about):
        return _bill_line(session, member_id, found[1], int(found[2]))
    look = _LOOKS.get(about[:4])
    if look is None:
        raise AboutUnknown()
    owner, number = ids.parse(about[:3], about, unknown=AboutUnknown)
    matter = look(session, member_id, owner, number)
    if matter is None:
        raise AboutUnknown()
    return matter


def maybe(session: Session, member_id: int, about: str | None) -> Matter | None:
    """The same; None where there is nothing, or it is not the member's any more (a group's, say)."""
    try:
        return find(session, member_id, about) if about else None
    except NotFound:
        return None


def _posting(session: Session, member_id: int, seq: int) -> Matter:
    row = session.get(PostingRow, (member_id, seq))
    if row is None:
        raise AboutUnknown()
    points = posting_view(row)["points"]
    names = {
        "zh-CN": f"第 {seq} 笔积分变动（{points:+,} 分）",
        "en": f"movement no. {seq} ({points:+,} points)",
    }
    is_of_redeeming = row.kind in (Kind.REDEEM, Kind.HOLD, Kind.CAPTURE, Kind.RELEASE, Kind.REVERSE)
    subject = subjects.REDEMPTION if is_of_redeeming else subjects.POINTS
    return Matter(f"posting {seq}", POSTING, names, subject)


def _bill_line(session: Session, member_id: int, bill_id: str, line_no: int) -> Matter:
    row = session.get(BillLine, (member_id, bill_id, line_no))
    if row is None:
        raise AboutUnknown()
    names = {"zh-CN": f"账单 {bill_id} 第 {line_no} 项", "en": f"bill {bill_id}, line {line_no}"}
    return Matter(f"bill {bill_id} line {line_no}", BILL_LINE, names, subjects.POINTS)


def _redemption(session: Session, me: int, owner: int, number: int) -> Matter | None:
    try:
        row = redemptions.seen_by(session, me, owner, number)
    except NotFound:
        return None
    names = offers.version(session, row.version_id).names
    subject = {GOODS: subjects.GOODS, EVENT: subjects.EVENT}.get(row.kind, subjects.REDEMPTION)
    return Matter(ids.public("red", owner, number), REDEMPTION, names, subject)


def _voucher(session: Session, me: int, owner: int, number: int) -> Matter | None:
    try:
        voucher, offer = life.of_member(session, owner, number)
    except NotFound:
        return None
    if not spending.belongs(session, me, owner, voucher.spender_id):
        return None
    return Matter(
        ids.public("vch", owner, number), VOUCHER, _ending(offer.names, voucher.last4), subjects.VOUCHER
    )


def _acceptance(session: Session, me: int, owner: int, number: int) -> Matter | None:
    row = session.get(Acceptance, (owner, number))
    if row is None or _voucher(session, me, owner, row.voucher_id) is None:
        return None
    return Matter(
        ids.public("acc", owner, number), ACCEPTANCE, _ending(row.offer_names, row.last4), subjects.VOUCHER
    )


def _dispute(session: Session, me: int, owner: int, number: int) -> Matter | None:
    row = session.get(Dispute, (owner, number))
    used = _acceptance(session, me, owner, row.acceptance_id) if row else None
    return used and Matter(ids.public("dsp", owner, number), DISPUTE, used.names, subjects.VOUCHER)


def _message(session: Session, me: int, owner: int, number: int) -> Matter | None:
    row = session.get(Notice, (owner, number)) if owner == me else None
    if row is None:
        return None
    on = row.at.date().isoformat()
    names = {"zh-CN": f"{on} 的消息", "en": f"a message of {on}"}
    return Matter(ids.public("ntc", owner, number), MESSAGE, names, subjects.OTHER)


def _ending(names: dict[str, str], last4: str) -> dict[str, str]:
    said = {"zh-CN": f"（尾号 {last4}）", "en": f" (ending {last4})"}
    return {
        language: names.get(language, next(iter(names.values()), "")) + text
        for language, text in said.items()
    }


_LOOKS: dict[str, Callable[[Session, int, int, int], Matter | None]] = {
    "red_": _redemption,
    "vch_": _voucher,
    "acc_": _acceptance,
    "dsp_": _dispute,
    "ntc_": _message,
}
