"""Points are frozen at once and thawed with care: nothing is redeemed or given away meanwhile, and earning goes on.

What is true is one column of the wallet (`stopped`), which every write of the ledger compares with what it has read; the
rows here say who froze, why, and who ended it. Whoever changes them locks the wallet first, so that a redemption is either
before the freeze or refused by it. Vouchers that were issued stay usable.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from base import audit, ids, outbox
from base.auth import guesses, one_time_codes
from base.auth.guesses import Limit
from base.auth.principals import Staff
from base.config import Config
from base.errors import Conflict, Invalid
from points import ledger
from points.freezes import beginning
from points.freezes.beginning import promise
from points.freezes.beginning import standing as standing  # of all who ask about freezes
from points.freezes.models import CALLED, FRAUD, NOT_ME, NUMBER, OF_MEMBER, OF_STAFF, OWN, WalletFreeze
from points.members import members, scope
from points.members.members import Secrets
from points.notices import telling
from points.people.looking import CASE

CODES = Limit(tries=5, window=timedelta(hours=1))
STAFF_REASONS = (CALLED, FRAUD)


class NotFrozen(Conflict):
    """These points are not frozen."""

    zh = "积分未被冻结。"


class FrozenByStaff(Conflict):
    """Security has frozen these points; only a person can end that."""

    zh = "积分由安全人员冻结，需人工核实后解除。"
    next_en, next_zh = "Call customer service and have your papers ready.", "请携带有效证件联系客服。"


class NoNumberToThaw(Conflict):
    """There is no number that a code could be sent to."""

    zh = "没有可接收验证码的手机号码。"
    next_en, next_zh = "Call customer service: they ask who you are, then thaw.", "请联系客服核实身份后解除。"


class ThawCodeRefused(Invalid):
    """This code is not right or has run out."""

    zh = "验证码不正确或已过期。"
    next_en, next_zh = "Check the code or ask for another one.", "请核对验证码或重新获取。"


class BadFreeze(Invalid):
    """A freeze by staff names a reason of the list and the case it belongs to."""

    zh = "冻结积分须选择原因并填写工单号。"


def freeze(
    session: Session, config: Config, member_id: int, actor: str, at: datetime, reason: str = OWN
) -> WalletFreeze:
    """The member freezes the own points, and is told; frozen already, nothing changes, but that a thaw is called off."""
    return _freeze(session, config, member_id, OF_MEMBER, reason, actor, "", at)


def freeze_for(
    session: Session, config: Config, person: Staff, reference: str, reason: str, case: str, at: datetime
) -> WalletFreeze:
    """Staff freeze for a member who called (who may thaw alone), or for suspected fraud (which security alone ends).

    MemberUnknown, BadFreeze.
    """
    member = scope.find(session, person, reference)
    if reason not in STAFF_REASONS or not CASE.fullmatch(case):
        raise BadFreeze(f"reason: one of {', '.join(STAFF_REASONS)}; case: its number", field="reason")
    side = OF_STAFF if reason == FRAUD else OF_MEMBER
    audit.write(
        session, person.actor, "points.frozen", ids.public("mbr", member.member_id), reason=reason, case=case
    )
    return _freeze(session, config, member.member_id, side, reason, person.actor, case, at)


def thaw_for(
    session: Session, config: Config, person: Staff, reference: str, case: str, at: datetime
) -> None:
    """Security ends every freeze of a member, for a case. MemberUnknown, NotFrozen, BadFreeze."""
    member = scope.find(session, person, reference)
    if not CASE.fullmatch(case):
        raise BadFreeze("case: its number", field="case")
    audit.write(session, person.actor, "points.thawed", ids.public("mbr", member.member_id), case=case)
    _locked(session, member.member_id)
    if not (found := standing(session, member.member_id)):
        raise NotFrozen()
    for one in found:
        one.ended_at, one.ended_by, one.ended_case = at, person.actor, case
    _settle(session, config, member.member_id)


def send_code(session: Session, config: Config, member_id: int, at: datetime) -> None:
    """A code to the member's number that thaws this very freeze. NotFrozen, FrozenByStaff, NoNumberToThaw, TooManyGuesses."""
    own = _own(session, member_id)
    counted = f"thaw-codes:{member_id}"
    guesses.check(session, counted, CODES, at)
    guesses.wrong(session, counted, at)
    if members.phone_of(session, Secrets(config.seal_key, config.secret_key), member_id) is None:
        raise NoNumberToThaw()
    code = one_time_codes.make(session, _scope(own), config.secret_key, at)
    minutes = one_time_codes.LIFE // timedelta(minutes=1)
    telling.tell(session, config, member_id, "thaw-code", {"code": code, "minutes": minutes})


def code_is_out(session: Session, member_id: int, at: datetime) -> bool:
    """Whether a code was sent that can still thaw."""
    own = next((one for one in standing(session, member_id) if one.side == OF_MEMBER), None)
    return own is not None and one_time_codes.is_out(session, _scope(own), at)


def thaw(session: Session, config: Config, member_id: int, code: str, actor: str, at: datetime) -> bool:
    """The member's own freeze ends, at once or after the wait of the configuration; False: the code is wrong and counted.

    Commit in either case. NotFrozen, FrozenByStaff.
    """
    _locked(session, member_id)
    own = _own(session, member_id)
    if not one_time_codes.take(session, _scope(own), code, config.secret_key, at):
        return False
    if config.thaw_wait_s:
        own.thaw_at = at + timedelta(seconds=config.thaw_wait_s)
        session.flush()
        outbox.put(session, **promise(own), due_at=own.thaw_at)
    else:
        own.thaw_at = own.ended_at = at
        own.ended_by = actor
        _settle(session, config, member_id)
    return True


def thaw_due(config: Config, session: Session, member_id: int, freeze_id: int, at: datetime) -> None:
    """The job behind a wait: ends the freeze unless the member called it off meanwhile. Safe to run twice."""
    _locked(session, member_id)
    found = session.get(WalletFreeze, (member_id, freeze_id), populate_existing=True)
    if found is None or found.ended_at is not None or found.thaw_at is None or found.thaw_at > at:
        return
    found.ended_at, found.ended_by = at, "job"
    _settle(session, config, member_id)


def _freeze(
    session: Session,
    config: Config,
    member_id: int,
    side: str,
    reason: str,
    actor: str,
    case: str,
    at: datetime,
) -> WalletFreeze:
    found, fresh = beginning.begin(session, member_id, side, reason, actor, case, at)
    if fresh:
        telling.tell(session, config, member_id, "points-frozen", {})
    return found


def _settle(session: Session, config: Config, member_id: int) -> None:
    """After a freeze has ended: the wallet is free unless another one is open."""
    session.flush()
    if not standing(session, member_id):
        ledger.set_stopped(session, member_id, stopped=False)
        telling.tell(session, config, member_id, "points-thawed", {})


def _own(session: Session, member_id: int) -> WalletFreeze:
    found = standing(session, member_id)
    if not found:
        raise NotFrozen()
    if any(one.side == OF_STAFF for one in found):
        raise FrozenByStaff()
    return found[0]


def _locked(session: Session, member_id: int) -> None:
    ledger.lock(session, [member_id])


def _scope(row: WalletFreeze) -> str:
    return f"thaw:{row.member_id}:{row.freeze_id}"


REASONS = (OWN, NOT_ME, NUMBER, *STAFF_REASONS)
