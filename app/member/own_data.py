"""What is in the file of a member's own data: everything that is about the member, and nothing that opens anything.

Vouchers come without their codes, messages without those that carry one, sign-ins without what proves them. Who looked is told
as on the page: by role and reason, never by name.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.member.looks import told_of
from app.member.points import reason
from base import clock, ids, vault
from base.auth import sign_ins
from base.config import Config
from base.notices import notices
from base.notices.texts import CODES
from base.web.i18n import both
from catalog.offers.models import Offer
from catalog.redemptions import redemptions
from catalog.vouchers.models import Voucher
from merchants.models import Merchant
from points import programmes
from points.exports.exports import Part, Row
from points.freezes.models import WalletFreeze
from points.kinds import Kind
from points.members import members
from points.members.sign_in import secrets_of
from points.people import looking
from points.preferences import preferences
from points.wallets import explained, wallets
from points.wallets.schemas import posting_view

PAGE = 500


def _profile(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    member = members.by_id(session, member_id)
    known = vault.opened(session, config.seal_key, member_id)
    yield {
        "customer_id": member.customer_id,
        "programme": both(programmes.by_id(session, member.programme_id).names),
        "joined_on": member.joined_on,
        "phone": members.phone_of(session, secrets_of(config), member_id),
        "birthday": members.birthday_of(session, member_id),
        "language": member.language,
        **{name: known.get(name) for name in vault.ITEMS},
    }


def _consents(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    for one in preferences.history(session, config, member_id):
        yield {
            "name": one.name,
            "values": list(one.values),
            "consent": one.consent,
            "since": one.since,
            "channel": one.channel,
        }


def _lots(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    for last_day, points in wallets.show(session, member_id, clock.now()).lots:
        yield {"points": points, "last_day": last_day}


def _postings(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    before: int | None = None
    while rows := wallets.postings(session, member_id, before=before, limit=PAGE):
        said = explained.explanations(session, member_id, rows)
        for row in rows:
            yield {
                "no": row.seq,
                "at": row.at,
                "points": posting_view(row)["points"],
                "balance_after": row.balance_after,
                "what": reason(Kind(row.kind)),
                "about": row.ref,
                "explanation": both(said.get(row.seq)),
            }
        before = rows[-1].seq


def _redemptions(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    before: int | None = None
    while rows := redemptions.all_of(session, member_id, before=before, limit=PAGE):
        for row, offer in rows:
            yield {
                "id": ids.public("red", member_id, row.redemption_id),
                "at": row.at,
                "offer": both(offer.names),
                "kind": row.kind,
                "units": row.units,
                "points": row.price_points,
                "value_fen": row.value_fen,
                "cash_fen": row.cash_fen,
                "state": row.state,
            }
        before = rows[-1][0].redemption_id


def _vouchers(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    rows = session.execute(
        select(Voucher, Offer.names, Merchant.names)
        .join(Offer, Offer.version_id == Voucher.version_id)
        .join(Merchant, Merchant.merchant_id == Voucher.merchant_id)
        .where(Voucher.member_id == member_id)
        .order_by(Voucher.voucher_id.desc())
    )
    for voucher, offer, merchant in rows:
        yield {
            "id": ids.public("vch", member_id, voucher.voucher_id),
            "offer": both(offer),
            "merchant": both(merchant),
            "units": voucher.units,
            "units_left": voucher.units_left,
            "issued_at": voucher.issued_at,
            "last_day": voucher.last_day,
            "state": voucher.state,
        }


def _messages(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    before: int | None = None
    while rows := notices.of_member(session, member_id, before=before, limit=PAGE, but=CODES):
        for one in notices.opened(session, rows, config.seal_key):
            yield {"at": one.at, "channel": one.channel, "text": one.text}
        before = rows[-1].notice_id


def _looks(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    before: int | None = None
    while rows := looking.log(session, member_id=member_id, before=before, limit=PAGE):
        for look in told_of(session, rows):
            yield {"at": look.at, "who": look.who, "what": look.what, "why": look.why}
        before = rows[-1].audit_id


def _sign_ins(session: Session, config: Config, member_id: int) -> Iterator[Row]:
    for one in sign_ins.listed(session, "member", member_id, clock.now()):
        yield {"began_at": one.began_at, "seen_at": one.seen_at, "device": one.device}


def _freezes(session: Session, config: Config, member_id: int) -> Iterable[Row]:
    asked = select(WalletFreeze).where(WalletFreeze.member_id == member_id).order_by(WalletFreeze.freeze_id)
    for one in session.scalars(asked):
        yield {"at": one.at, "ended_at": one.ended_at, "reason": one.reason}


PARTS = (
    Part(
        "profile",
        ("customer_id", "programme", "joined_on", "phone", "birthday", "language", *vault.ITEMS),
        _profile,
    ),
    Part("consents", ("name", "values", "consent", "since", "channel"), _consents),
    Part("lots", ("points", "last_day"), _lots),
    Part(
        "movements",
        ("no", "at", "points", "balance_after", "what", "about", "explanation"),
        _postings,
    ),
    Part(
        "redemptions",
        ("id", "at", "offer", "kind", "units", "points", "value_fen", "cash_fen", "state"),
        _redemptions,
    ),
    Part(
        "vouchers",
        ("id", "offer", "merchant", "units", "units_left", "issued_at", "last_day", "state"),
        _vouchers,
    ),
    Part("messages", ("at", "channel", "text"), _messages),
    Part("looks", ("at", "who", "what", "why"), _looks),
    Part("sign-ins", ("began_at", "seen_at", "device"), _sign_ins),
    Part("freezes", ("at", "ended_at", "reason"), _freezes),
)
