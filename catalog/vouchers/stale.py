"""Old pictures shown at tills: a screenshot that goes round. From the third try on the member knows of it, once."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import update
from sqlalchemy.orm import Session

from base import clock, database
from base.config import Config
from catalog.offers.models import Offer
from catalog.vouchers import life
from catalog.vouchers.models import Voucher
from catalog.vouchers.refusals import CodeStale
from merchants.acceptances import Place
from merchants.terminals import attempts
from merchants.terminals.attempts import About
from points.notices import telling

TRIES = 3
TEMPLATE = "voucher-shown-stale"


@contextmanager
def watched(config: Config, place: Place, deed: str) -> Iterator[About]:
    """As attempts.noted; who tries an old picture for the third time has the member told."""
    about = About()
    try:
        with attempts.noted(place, deed) as noted:
            about = noted
            yield noted
    except CodeStale:
        if about.member_id is not None and about.voucher_id is not None:
            with database.begin() as session:
                _tell(session, config, about.member_id, about.voucher_id)
        raise


def _tell(session: Session, config: Config, member_id: int, voucher_id: int) -> None:
    stale = attempts.count_of_voucher(session, member_id, voucher_id, CodeStale.type_name())
    if stale < TRIES:
        return
    # One conditional UPDATE: of several third tries at once only one tells.
    voucher = session.scalar(
        update(Voucher)
        .where(
            Voucher.member_id == member_id, Voucher.voucher_id == voucher_id, Voucher.stale_told_at.is_(None)
        )
        .values(stale_told_at=clock.now())
        .returning(Voucher)
    )
    if voucher is not None:
        offer = session.get_one(Offer, voucher.version_id)
        facts = {"offer": offer.names, "last4": voucher.last4}
        telling.tell(session, config, life.holder(voucher), TEMPLATE, facts)
