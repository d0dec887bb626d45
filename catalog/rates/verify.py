"""Proof of rates: no two of a scope on one day, no day without a general one, and each is what two persons agreed on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations, groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from base.approvals import approvals
from base.approvals.models import APPROVED, Decision, Proposal
from base.findings import Finding
from catalog.rates import proposals, rates
from catalog.rates.checking import Window, gap
from catalog.rates.models import Rate
from catalog.rates.rates import DAY, Row
from catalog.rates.scopes import Scope, scope_of
from points.models import Programme

Place = tuple[Scope, date]


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong with rates. Read-only; give it a REPEATABLE READ transaction."""
    for programme in session.scalars(select(Programme).order_by(Programme.programme_id)):
        versions = rates.versions(session, programme.programme_id)
        windows = [Window(scope_of(one), one.from_day, one.until_day) for one in versions]
        for scope, group in groupby(windows, key=lambda one: one.scope):
            for first, second in combinations(list(group), 2):
                if first.meets(second):
                    yield Finding("rate", f"{programme.code} {scope}", f"two hold on {second.from_day}")
        missing = gap(windows)
        if missing:
            yield Finding("rate", programme.code, f"no general rate holds on {missing}")
        yield from _agreed(session, programme, versions)


def _agreed(session: Session, programme: Programme, versions: Sequence[Rate]) -> Iterator[Finding]:
    """Every version that names an approval is a row of it, and every approved row is a version."""
    rows: Counter[tuple[str, Row]] = Counter()
    ended: set[Place] = {(scope_of(one), one.from_day - DAY) for one in versions}  # a last day by a later row
    for proposal, decision in session.execute(
        select(Proposal, Decision)
        .join(Decision, Decision.proposal_id == Proposal.proposal_id)
        .where(Proposal.kind == proposals.KIND, Decision.verdict == APPROVED)
    ):
        if proposal.said["programme"] != programme.code:
            continue
        named = approvals.reference(proposal.proposal_id)
        if decision.person_id == proposal.maker_id:
            yield Finding("rate", named, "its maker approved it")
        wanted = proposals.wanted_of(session, proposal).rows
        ended |= {(row.scope, row.from_day - DAY) for row in wanted if row.ends}
        rows.update((named, row) for row in wanted if not row.ends)
    for rate in versions:
        if rate.approval is None:
            continue
        row = Row(scope_of(rate), rate.from_day, rate.points, rate.per_fen, rate.until_day)
        open_end = Row(row.scope, row.from_day, row.points, row.per_fen)
        taken_over = row.until_day is None or (row.scope, row.until_day) in ended
        found = next(
            (one for one in (row, open_end if taken_over else row) if rows[rate.approval, one] > 0), None
        )
        if found is None:
            fault = f"it is not what was approved: {rate.approval}"
            yield Finding("rate", proposals.reference(rate.rate_id), fault)
        else:
            rows[rate.approval, found] -= 1
    for (named, row), count in rows.items():
        if count > 0:
            yield Finding("rate", named, f"approved and not there: {row.scope} from {row.from_day}")
