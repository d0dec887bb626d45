"""The airline's members, points and redemptions, posted with the moments of their months. Safe to run twice.

Each transaction holds some hundred members with all that is theirs, so a run that was ended leaves whole
members, and the same command goes on with the others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.orm import Session

from admin.airline import records
from admin.airline.records import Month, Records, Traveller
from base import clock, database, ids, progress
from base.errors import Problem
from catalog.offers import offers
from catalog.offers.models import HISTORY
from catalog.rates import rates
from catalog.rates.scopes import Scope
from catalog.redemptions.models import FULFILLED, Redemption
from points import ledger, policies, programmes
from points.deeds import Request
from points.kinds import Kind
from points.members import members
from points.members.imports import close_many
from points.members.members import Enrolment, Secrets
from points.models import ImportRun, Programme
from points.policies import BILL_POINTS

CODE = "airline"
NAMES = {"zh-CN": "航空里程（公开记录）", "en": "Airline points (public records)"}
ZONE, CURRENCY = "America/Toronto", "CAD"
TERMS_FROM = date(2000, 1, 1)
NOON = timedelta(hours=12)
OPENING = "opening: history before {first_day:%Y-%m} is missing"
FEN_PER_POINT = 18  # what nearly every redemption in the records cost, rounded to dollars there
STEP = 5_000  # requests in a transaction, about


@dataclass
class Report:
    """What was read, and what of it was new; points whole, as posted."""

    rows: int
    repeated_rows: int
    member_months: int
    fractional_months: int
    openings: int
    opening_points: int
    earned_points: int
    redeemed_points: int
    members: int
    left: int
    months_before_joining: int
    new_members: int = 0
    posted: int = 0
    already_there: int = 0
    redemptions: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing was refused."""
        return not self.refused


@dataclass(frozen=True)
class _Terms:
    """What postings name: how long points live; the offer and rate that stand for what was redeemed."""

    programme: Programme
    policy_id: int
    lot_key: int
    offer_id: int
    version_id: int
    rate_id: int


def take_in(folder: Path, secrets: Secrets, *, quiet: bool = False) -> Report:
    """Read a folder and post it. Opens its own transactions; raises what `records.read` raises."""
    began = clock.now()
    found = records.read(folder)
    report = _report(found)
    with database.begin() as session:
        terms = _terms(session)
    with progress.bar(len(found.travellers), "airline members", quiet) as bar:
        for some in _steps(found.travellers):
            with database.begin() as session:
                _post(session, terms, secrets, some, found.first_day, report)
            bar.advance(len(some))
    with database.begin() as session:
        _keep_run(session, terms.programme, found, report, began)
    return report


def _terms(session: Session) -> _Terms:
    """The programme with its policy, offer and rate; made by the first run."""
    programme = programmes.create(session, CODE, NAMES, zone=ZONE, currency=CURRENCY)
    place = programme.programme_id
    versions = policies.load(session, place)
    if not versions.expiry:
        policies.add_expiry_policy(session, place, BILL_POINTS, TERMS_FROM, months=None)
        versions = policies.load(session, place)
    policy = versions.expiry_policy(BILL_POINTS, TERMS_FROM)
    offer = offers.add(
        session,
        place,
        "history",
        kind=HISTORY,
        state="ended",
        category="history",
        value_fen=FEN_PER_POINT,
        cost_fen=FEN_PER_POINT,
        from_at=clock.start_of(TERMS_FROM, ZONE),
        cancellable=False,
        names={"zh-CN": "历史兑换", "en": "Redeemed at the airline"},
        texts={"zh-CN": "公开记录中的兑换。", "en": "A redemption in the public records."},
    )
    rate = rates.load(session, place, TERMS_FROM).own(Scope(offer.offer_id)) or rates.add(
        session, place, TERMS_FROM, points=1, per_fen=FEN_PER_POINT, offer_id=offer.offer_id
    )
    key = policies.lot_key(policy, TERMS_FROM)
    return _Terms(programme, policy.policy_id, key, offer.offer_id, offer.version_id, rate.rate_id)


def _post(
    session: Session,
    terms: _Terms,
    secrets: Secrets,
    some: Sequence[Traveller],
    first_day: date,
    report: Report,
) -> None:
    """Some members: enrolled, all their months posted, their redemptions kept, those who left closed."""
    rows = [_enrolment(traveller, first_day) for traveller in some]
    known = members.find_many(session, terms.programme.programme_id, [row.customer_id for row in rows])
    member_ids = members.enrol_many(session, terms.programme, secrets, rows)
    report.new_members += len(member_ids) - len(known)
    asked = [r for one in some for r in _requests(terms, one, member_ids[one.customer_id], first_day)]
    redeemed = []
    for request, answer in zip(asked, ledger.post_many(session, asked), strict=True):
        if isinstance(answer, Problem):
            report.refused.append(f"{request.ref}: {answer}")
        elif answer.replayed:
            report.already_there += 1
        else:
            report.posted += 1
            if request.kind is Kind.REDEEM:
                redeemed.append(_redemption(terms, request, answer.seq))
    if redeemed:
        session.execute(insert(Redemption), redeemed)
    report.redemptions += len(redeemed)
    close_many(session, {member_ids[one.customer_id]: one.left_on for one in some if one.left_on})


def _steps(travellers: Sequence[Traveller]) -> Iterator[list[Traveller]]:
    """Whole members, about STEP requests together."""
    some: list[Traveller] = []
    size = 0
    for traveller in travellers:
        some.append(traveller)
        size += 1 + 2 * len(traveller.months)
        if size >= STEP:
            yield some
            some, size = [], 0
    if some:
        yield some


def _enrolment(traveller: Traveller, first_day: date) -> Enrolment:
    """The wallet begins with the first thing that is posted to it, which may lie before the month of
    enrolment.
    """
    days = [traveller.joined_on, *(month.first_day for month in traveller.months[:1])]
    if traveller.opening_points:
        days.append(first_day)
    return Enrolment(
        traveller.customer_id, traveller.joined_on, left_on=traveller.left_on, history_from=min(days)
    )


def _requests(terms: _Terms, traveller: Traveller, member_id: int, first_day: date) -> Iterator[Request]:
    """A member's requests in order of time.

    The opening is posted on the first day of the records, what a month earned on its 15th, what it redeemed
    on its last day, at noon.
    """
    zone = terms.programme.zone

    def earn(points: int, at: datetime, name: str, ref: str) -> Request:
        key = ledger.key(CODE, f"{traveller.customer_id}:{name}")
        return Request(
            member_id, key, Kind.EARN, points, at, zone, terms.lot_key, version_id=terms.policy_id, ref=ref
        )

    if traveller.opening_points:
        ref = OPENING.format(first_day=first_day)
        yield earn(traveller.opening_points, clock.start_of(first_day, zone), "opening", ref)
    for month in traveller.months:
        name = f"{month.first_day:%Y-%m}"
        if month.earned_points:
            at = clock.start_of(month.first_day.replace(day=15), zone) + NOON
            yield earn(month.earned_points, at, f"{name}:earn", f"flights of {name}")
        if month.redeemed_points:
            yield _redeem(terms, traveller, member_id, month)


def _redeem(terms: _Terms, traveller: Traveller, member_id: int, month: Month) -> Request:
    name = f"{month.first_day:%Y-%m}"
    return Request(
        member_id=member_id,
        idem=ledger.key(CODE, f"{traveller.customer_id}:{name}:redeem"),
        kind=Kind.REDEEM,
        points=month.redeemed_points,
        at=clock.start_of(policies.month_end(month.first_day, 0), terms.programme.zone) + NOON,
        zone=terms.programme.zone,
        version_id=terms.rate_id,
        value_fen=month.cost_fen,
        ref=f"redeemed in {name}",
    )


def _redemption(terms: _Terms, request: Request, posting_seq: int) -> dict[str, object]:
    """The row of what was redeemed and given out long ago."""
    return {
        "member_id": request.member_id,
        "redemption_id": ids.new_id(),
        "offer_id": terms.offer_id,
        "version_id": terms.version_id,
        "rate_id": terms.rate_id,
        "posting_seq": posting_seq,
        "price_points": request.points,
        "value_fen": request.value_fen,
        "at": request.at,
        "changed_at": request.at,
        "units": 1,
        "kind": HISTORY,
        "state": FULFILLED,
    }


def _report(found: Records) -> Report:
    months = [(traveller, month) for traveller in found.travellers for month in traveller.months]
    openings = [traveller.opening_points for traveller in found.travellers if traveller.opening_points]
    return Report(
        rows=found.rows,
        repeated_rows=found.repeated_rows,
        member_months=found.member_months,
        fractional_months=found.fractional_months,
        openings=len(openings),
        opening_points=sum(openings),
        earned_points=sum(month.earned_points for _, month in months),
        redeemed_points=sum(month.redeemed_points for _, month in months),
        members=len(found.travellers),
        left=sum(traveller.left_on is not None for traveller in found.travellers),
        months_before_joining=sum(month.first_day < traveller.joined_on for traveller, month in months),
    )


def _keep_run(
    session: Session, programme: Programme, found: Records, report: Report, began: datetime
) -> None:
    session.add(
        ImportRun(
            import_id=ids.new_id(),
            programme_id=programme.programme_id,
            kind="airline",
            file_hash=found.file_hash,
            counts=asdict(report) | {"refused": len(report.refused)},
            began_at=began,
            ended_at=clock.now(),
        )
    )
