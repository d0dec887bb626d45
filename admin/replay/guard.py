"""No rates and no offer go into force without a finished replay of their very content, where there is a past to replay."""

from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from admin.replay import reading, runs
from admin.replay.counting import COUNTED, Window
from admin.replay.models import DONE
from base import clock
from base.approvals.models import Proposal
from base.errors import Conflict
from catalog.redemptions.models import Redemption
from points.members.models import MemberFacts
from points.models import Programme

FRESH = timedelta(days=31)  # an older look at the past is no look at it


class ReplayMissing(Conflict):
    """Nobody has replayed this proposal over the past months yet."""

    zh = "尚未对该申请回放过往数据。"
    next_en = (
        "Have it replayed (on its page, POST /v1/replays or jifen replay), read the report, then approve."
    )
    next_zh = "请先回放（在申请页面、POST /v1/replays 或 jifen replay），查看报告后再审批。"


def check(session: Session, proposal: Proposal, at: datetime) -> None:
    """ReplayMissing, unless a fresh replay of this content over enough months is done or nothing was redeemed in the months before."""
    programme = reading.programme_of(session, proposal)
    fresh = clock.day(at, programme.zone) - FRESH
    for run in runs.of_proposal(session, proposal):
        if run.state == DONE and run.months >= runs.MONTHS and run.until_day >= fresh:
            return
    if has_past(session, programme, at):
        raise ReplayMissing(months=runs.MONTHS)


def has_past(session: Session, programme: Programme, at: datetime) -> bool:
    """Whether anything was redeemed in the months that a replay looks at."""
    window = Window(
        programme.programme_id,
        programme.zone,
        *runs.days_before(clock.day(at, programme.zone), runs.MONTHS),
    )
    since, until = window.moments
    found = exists().where(
        Redemption.member_id == MemberFacts.member_id,
        MemberFacts.programme_id == programme.programme_id,
        Redemption.at >= since,
        Redemption.at < until,
        Redemption.state.in_(COUNTED),
    )
    return bool(session.scalar(select(found)))
