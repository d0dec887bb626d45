"""A merchant's ticket: invited, documents, reviewed, equipped, tried, active; later suspended, leaving, closed.

Each step says who has the ticket from then on and until when; its conditions are asked when it is made, and no step is
ever edited. The merchant's `state` is the stage of its latest step.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from base import audit, ids
from base.auth.principals import Principal
from base.errors import Conflict, field_errors
from merchants import merchants, scope
from merchants.models import (
    ACTIVE,
    CLOSED,
    DOCUMENTS,
    EQUIPPED,
    INVITED,
    JOINING,
    LEAVING,
    REVIEWED,
    SUSPENDED,
    TRIED,
    Merchant,
)
from merchants.onboarding import checklist
from merchants.onboarding.models import MERCHANT, NOBODY, OPERATOR, MerchantStep

MOST_NOTE = 500
AHEAD = dict(
    zip(JOINING, (*JOINING[1:], ACTIVE), strict=True)
)  # of a joining merchant: the stage that comes next
TO: dict[str, tuple[str, ...]] = {
    **{stage: (after, CLOSED) for stage, after in AHEAD.items()},
    ACTIVE: (SUSPENDED, LEAVING),
    SUSPENDED: (ACTIVE, LEAVING),
    LEAVING: (CLOSED,),
    CLOSED: (),
}
# Who has the ticket at a stage, and for how long at most.
WAITS: dict[str, tuple[str, timedelta | None]] = {
    INVITED: (MERCHANT, timedelta(days=14)),
    DOCUMENTS: (OPERATOR, timedelta(days=3)),
    REVIEWED: (MERCHANT, timedelta(days=14)),
    EQUIPPED: (OPERATOR, timedelta(days=7)),
    TRIED: (OPERATOR, timedelta(days=3)),
    ACTIVE: (NOBODY, None),
    SUSPENDED: (OPERATOR, timedelta(days=7)),
    LEAVING: (OPERATOR, timedelta(days=60)),
    CLOSED: (NOBODY, None),
}
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
REASON_NEEDED = (SUSPENDED, LEAVING, CLOSED)


class MerchantThere(Conflict):
    """There is a merchant with that code already."""

    zh = "该商户代码已存在。"
    next_en, next_zh = "Look at that merchant, or choose another code.", "请查看该商户，或换一个代码。"


class StepNotThere(Conflict):
    """This step does not follow from the merchant's present stage."""

    zh = "商户当前所处阶段不能执行该步骤。"


class StepNotReady(Conflict):
    """The conditions of this step are not met yet."""

    zh = "该步骤的条件尚未满足。"
    next_en, next_zh = "Do what is missing, then take the step.", "请先完成缺少的事项，再执行该步骤。"


@dataclass(frozen=True)
class Ticket:
    """A merchant and the step it stands at; None: it was there before there were steps."""

    merchant: Merchant
    step: MerchantStep | None

    def overdue(self, at: datetime) -> bool:
        return self.step is not None and self.step.until_at is not None and self.step.until_at <= at


def invite(
    session: Session,
    code: str,
    names: dict[str, str],
    *,
    zone: str,
    currency: str,
    city: str,
    area: str,
    actor: str,
    at: datetime,
    staff_id: int | None = None,
) -> Merchant:
    """A merchant that is to join; MerchantThere."""
    if session.scalar(select(Merchant.merchant_id).where(Merchant.code == code)) is not None:
        raise MerchantThere(merchant=code)
    merchant = merchants.add(
        session, code, names, zone=zone, currency=currency, city=city, area=area, state=INVITED
    )
    _write(session, merchant, INVITED, actor, at, staff_id=staff_id)
    return merchant


def step(
    session: Session,
    merchant: Merchant,
    to: str,
    actor: str,
    at: datetime,
    *,
    note: str = "",
    confirmed: bool = False,
    staff_id: int | None = None,
) -> MerchantStep:
    """Take a step whose conditions are met; StepNotThere, StepNotReady with what is missing.

    `confirmed`: a person saw the trial of the till. Reviewed is a step that two persons take (`reviews`).
    """
    session.refresh(merchant, with_for_update=True)
    if to not in TO[merchant.state] or to == REVIEWED:
        raise StepNotThere(state=merchant.state, to=to)
    if to in REASON_NEEDED and not note:
        raise field_errors({"note": "say why"})
    points = checklist.of(session, merchant, to, at)
    missing = [one.name for one in points if not one.done and not (confirmed and one.name == checklist.TRIAL)]
    if missing:
        raise StepNotReady(missing=missing)
    return _write(session, merchant, to, actor, at, note=note, staff_id=staff_id)


def reviewed(
    session: Session, merchant: Merchant, documents_no: int, approval: str, actor: str, at: datetime
) -> MerchantStep:
    """Two persons have reviewed a version of the documents; a merchant that is further already stays where it is."""
    session.refresh(merchant, with_for_update=True)
    if merchant.state in (INVITED, CLOSED):
        raise StepNotThere(state=merchant.state, to=REVIEWED)
    before = latest(session, merchant.merchant_id)
    onward = merchant.state == DOCUMENTS
    kept = {} if onward or before is None else {"owner": before.owner, "until_at": before.until_at}
    stage = REVIEWED if onward else merchant.state
    return _write(
        session, merchant, stage, actor, at, documents_no=documents_no, approval=approval, kept=kept
    )


def hand_over(
    session: Session,
    merchant: Merchant,
    owner: str,
    until_at: datetime | None,
    actor: str,
    at: datetime,
    *,
    staff_id: int | None = None,
    note: str = "",
) -> MerchantStep:
    """Somebody else has the ticket from now on, or has it for longer; the stage stays."""
    session.refresh(merchant, with_for_update=True)
    kept = {"owner": owner, "until_at": until_at}
    return _write(session, merchant, merchant.state, actor, at, note=note, staff_id=staff_id, kept=kept)


def latest(session: Session, merchant_id: int) -> MerchantStep | None:
    """The step at which a merchant stands."""
    asked = select(MerchantStep).where(MerchantStep.merchant_id == merchant_id)
    return session.scalar(asked.order_by(MerchantStep.step_no.desc()).limit(1))


def history(session: Session, merchant_id: int) -> list[MerchantStep]:
    """All steps, the newest first."""
    asked = select(MerchantStep).where(MerchantStep.merchant_id == merchant_id)
    return list(session.scalars(asked.order_by(MerchantStep.step_no.desc())))


def reviewed_no(session: Session, merchant_id: int) -> int:
    """The number of the documents that were reviewed last; 0: none were."""
    asked = select(func.max(MerchantStep.documents_no)).where(MerchantStep.merchant_id == merchant_id)
    return session.scalar(asked) or 0


def listed(
    session: Session,
    principal: Principal,
    *,
    stage: str | None = None,
    after: tuple[datetime | None, str] | None = None,
    limit: int,
) -> list[Ticket]:
    """Merchants within the principal's area by their deadline, so that what is overdue comes first; from after one on."""
    newest = (
        select(func.max(MerchantStep.step_no))
        .where(MerchantStep.merchant_id == Merchant.merchant_id)
        .correlate(Merchant)
        .scalar_subquery()
    )
    until = func.coalesce(MerchantStep.until_at, NEVER)
    asked = (
        select(Merchant, MerchantStep)
        .outerjoin(
            MerchantStep,
            and_(MerchantStep.merchant_id == Merchant.merchant_id, MerchantStep.step_no == newest),
        )
        .where(scope.rule(principal))
        .order_by(until, Merchant.code)
        .limit(limit)
    )
    if stage is not None:
        asked = asked.where(Merchant.state == stage)
    if after is not None:
        deadline, code = after[0] or NEVER, after[1]
        asked = asked.where((until > deadline) | ((until == deadline) & (Merchant.code > code)))
    return [Ticket(merchant, row) for merchant, row in session.execute(asked)]


def position(ticket: Ticket) -> list[str | None]:
    """The place of a ticket in the list."""
    until = ticket.step.until_at if ticket.step else None
    return [until.isoformat() if until else None, ticket.merchant.code]


def after(place: list[str | None] | None) -> tuple[datetime | None, str] | None:
    """The place again, as `listed` takes it."""
    if place is None:
        return None
    return (datetime.fromisoformat(place[0]) if place[0] else None, str(place[1]))


def _write(
    session: Session,
    merchant: Merchant,
    stage: str,
    actor: str,
    at: datetime,
    *,
    note: str = "",
    staff_id: int | None = None,
    documents_no: int | None = None,
    approval: str | None = None,
    kept: dict[str, str | datetime | None] | None = None,
) -> MerchantStep:
    owner, waits = WAITS[stage]
    before = latest(session, merchant.merchant_id)
    values = {"owner": owner, "until_at": at + waits if waits else None} | (kept or {})
    row = session.execute(
        insert(MerchantStep)
        .values(
            merchant_id=merchant.merchant_id,
            step_no=before.step_no + 1 if before else 1,
            at=at,
            staff_id=staff_id if values["owner"] == OPERATOR else None,
            documents_no=documents_no,
            stage=stage,
            actor=actor,
            note=note,
            approval=approval,
            **values,
        )
        .returning(MerchantStep)
    ).scalar_one()
    session.execute(update(Merchant).where(Merchant.merchant_id == merchant.merchant_id).values(state=stage))
    session.refresh(merchant)
    audit.write(
        session,
        actor,
        "merchant.step",
        ids.public("mer", merchant.merchant_id),
        stage=stage,
        step=row.step_no,
    )
    return row
