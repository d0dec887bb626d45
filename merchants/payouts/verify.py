"""Proof of payouts: each is of a sealed statement and of its amount, its steps are legal, no transfer is counted twice."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from base import ids
from base.approvals import approvals
from base.approvals.models import APPROVED
from base.errors import NotFound
from base.findings import Finding
from merchants.payouts import bank_files, runs
from merchants.payouts.models import PayoutRun
from merchants.payouts.states import AFTER
from merchants.statements.seals import FORM

MOST = 100
_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "payout",
        "no statement is to be paid so, or another amount of it",
        "select p.merchant_id, p.statement_no from payout p left join statement s using (merchant_id, statement_no) "
        "where s.statement_no is null or s.payable_fen <> p.amount_fen or s.currency <> p.currency",
    ),
    (
        "payout",
        "a statement has something to pay, and no payout was planned for it",
        "select s.merchant_id, s.statement_no from statement s left join payout p using (merchant_id, statement_no) "
        f"where s.payable_fen > 0 and s.form >= {FORM} and p.statement_no is null",
    ),
    (
        "payout",
        "it does not stand where its last step says",
        "select p.merchant_id, p.statement_no from payout p left join payout_step s using (merchant_id, statement_no, step_no) "
        "where (s.state, s.version, s.amount_fen) is distinct from (p.state, p.version, p.amount_fen) "
        "or exists (select from payout_step l where l.merchant_id = p.merchant_id and l.statement_no = p.statement_no "
        "and l.step_no > p.step_no)",
    ),
    (
        "payout",
        "a transfer or a line of a file that another payout counts too",
        "select merchant_id, statement_no from (select merchant_id, statement_no, "
        "count(*) over (partition by transfer) as payouts from payout where transfer is not null) p where payouts > 1",
    ),
    (
        "payout",
        "it was sent under one version twice",
        "select merchant_id, statement_no from payout_step where state = 'sent' "
        "group by merchant_id, statement_no, version having count(*) > 1",
    ),
    (
        "payout",
        "it was approved by no run of two persons, or as another amount",
        "select s.merchant_id, s.statement_no from payout_step s where s.state = 'approved' and s.approval is not null "
        "and not exists (select from payout_run r join payout_run_row l using (run_id) where r.approval = s.approval "
        "and r.route = s.route and (l.merchant_id, l.statement_no, l.version, l.amount_fen) "
        "= (s.merchant_id, s.statement_no, s.version, s.amount_fen)) union all "
        "select p.merchant_id, p.statement_no from payout p where p.state in ('approved', 'sending', 'unknown', 'sent', 'paid') "
        "and not exists (select from payout_step s where s.merchant_id = p.merchant_id and s.statement_no = p.statement_no "
        "and s.state = 'approved' and s.approval is not null)",
    ),
    (
        "payout run",
        "count or sum are not those of its lines",
        "select r.run_id, 0 from payout_run r left join (select run_id, count(*) as n, sum(amount_fen) as fen "
        "from payout_run_row group by 1) l using (run_id) where (l.n, l.fen) is distinct from (r.count, r.sum_fen)",
    ),
    (
        "recovery",
        "the item by which the next statement owes less is missing, or of another amount",
        "select r.merchant_id, r.recovery_id from recovery r left join merchant_item i using (merchant_id, item_id) "
        "where r.item_id is not null and i.owed_fen is distinct from r.amount_fen",
    ),
    (
        "recovery",
        "more came back than the statement carried below zero",
        "select r.merchant_id, r.statement_no from recovery r join statement s using (merchant_id, statement_no) "
        "where r.item_id is not null group by 1, 2, s.carried_fen having sum(r.amount_fen) > -s.carried_fen",
    ),
    (
        "recovery",
        "an invoice was given up and not written off under that approval, or a write-off is of no such invoice",
        "select merchant_id, coalesce(i.recovery_id, w.recovery_id) from "
        "(select merchant_id, recovery_id, reference, amount_fen from recovery where step = 'invoice' and state = 'cancelled') i "
        "full join (select merchant_id, recovery_id, approval as reference, amount_fen from recovery where step = 'write-off') w "
        "using (merchant_id, reference, amount_fen) where i.recovery_id is null or w.recovery_id is null",
    ),
    (
        "recovery",
        "more of a transfer was reversed than it was",
        "select r.merchant_id, r.against_no from recovery r join payout p "
        "on p.merchant_id = r.merchant_id and p.statement_no = r.against_no where r.step = 'reversal' and r.state = 'done' "
        "group by 1, 2, p.amount_fen having sum(r.amount_fen) > p.amount_fen",
    ),
)
_FOLLOWS = ", ".join(f"('{before}', '{state}')" for before, after in AFTER.items() for state in sorted(after))
_STEPS = f"""
select merchant_id, statement_no, step_no, state from (select merchant_id, statement_no, step_no, state, version,
  lag(state) over w as before, lag(version) over w as version_before, lag(step_no) over w as no_before
  from payout_step window w as (partition by merchant_id, statement_no order by step_no)) s
where not case when before is null then step_no = 1 and state in ('planned', 'on_hold')
  else step_no = no_before + 1 and version in (version_before, version_before + 1) and (before, state) in ({_FOLLOWS}) end
order by 1, 2, 3 limit {MOST}
"""


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for merchant_id, number in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"merchant {merchant_id} {number}", text)
    yield from _histories(session)
    yield from _runs(session)


def _histories(session: Session) -> Iterator[Finding]:
    """Steps are numbered without a gap, begin planned or on hold, and each may follow the one before."""
    for row in session.connection().exec_driver_sql(_STEPS):
        place = f"merchant {row.merchant_id} statement {row.statement_no}"
        yield Finding("payout steps", place, f"step {row.step_no} ({row.state}) does not follow")


def _runs(session: Session) -> Iterator[Finding]:
    """Each run is, line for line, what two persons approved."""
    asked = select(PayoutRun).order_by(PayoutRun.run_id)
    wrong = (
        run
        for run in session.scalars(asked.execution_options(yield_per=MOST))
        if not _is_approved(session, run)
    )
    for run, _ in zip(wrong, range(MOST), strict=False):
        yield Finding("payout run", ids.public("pyr", run.run_id), "it is not what two persons approved")


def _is_approved(session: Session, run: PayoutRun) -> bool:
    try:
        case = approvals.by_id(session, approvals.parse(run.approval), runs.KIND)
    except NotFound:
        return False
    lines = [
        [ids.public("stm", row.merchant_id, row.statement_no), row.version, row.amount_fen, row.route_no]
        for row in bank_files.rows_of(session, run.run_id)
    ]
    said = case.proposal.said
    asked = (said["run"], said["payouts"], said.get("sha256"))
    done = (ids.public("pyr", run.run_id), lines, run.sha256.hex() if run.sha256 else None)
    return case.decision is not None and case.decision.verdict == APPROVED and asked == done
