"""Proof of payouts: each is of a sealed statement and of its amount, its steps are legal, no transfer is counted twice."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding
from merchants.payouts.states import AFTER

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
        "count or sum are not those of its lines, or nobody approved it",
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
        "more of a transfer was reversed than it was",
        "select r.merchant_id, r.against_no from recovery r join payout p "
        "on p.merchant_id = r.merchant_id and p.statement_no = r.against_no where r.step = 'reversal' and r.state = 'done' "
        "group by 1, 2, p.amount_fen having sum(r.amount_fen) > p.amount_fen",
    ),
)
_STEPS = """
select merchant_id, statement_no, step_no, state, version,
  lag(state) over w as before, lag(version) over w as version_before, lag(step_no) over w as no_before
from payout_step window w as (partition by merchant_id, statement_no order by step_no)
"""


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for merchant_id, number in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"merchant {merchant_id} {number}", text)
    yield from _histories(session)


def _histories(session: Session) -> Iterator[Finding]:
    """Steps are numbered without a gap, begin planned or on hold, and each may follow the one before."""
    found = 0
    for row in session.connection().exec_driver_sql(_STEPS):
        first = row.before is None
        legal = row.state in ("planned", "on_hold") if first else row.state in AFTER[row.before]
        numbered = row.step_no == (1 if first else row.no_before + 1)
        grows = first or row.version in (row.version_before, row.version_before + 1)
        if not (legal and numbered and grows) and found < MOST:
            found += 1
            place = f"merchant {row.merchant_id} statement {row.statement_no}"
            yield Finding("payout steps", place, f"step {row.step_no} ({row.state}) does not follow")
