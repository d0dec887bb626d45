"""Proof of disputes: about acceptances that are there, vouchers frozen exactly while a reason stands, nothing given back unasked."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

MOST = 100
_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "dispute",
        "it is not about the acceptance that it names",
        "select d.member_id, d.dispute_id from dispute d left join acceptance a "
        "on a.member_id = d.member_id and a.acceptance_id = d.acceptance_id "
        "where (a.voucher_id, a.merchant_id, a.outlet_id, a.owed_fen) "
        "is distinct from (d.voucher_id, d.merchant_id, d.outlet_id, d.amount_fen)",
    ),
    (
        "dispute",
        "while it is open, and after it was decided for the member, something has to freeze the voucher",
        "select d.member_id, d.dispute_id from dispute d left join voucher_freeze f "
        "on f.member_id = d.member_id and f.dispute_id = d.dispute_id "
        "where f.freeze_id is null or (f.thawed_at is null) <> (d.verdict is distinct from 'merchant')",
    ),
    (
        "freeze",
        "a voucher is frozen without a reason, or usable in spite of one",
        "select v.member_id, v.voucher_id from voucher v where v.state = 'frozen' and not exists (select from voucher_freeze f "
        "where f.member_id = v.member_id and f.voucher_id = v.voucher_id and f.thawed_at is null) union all "
        "select v.member_id, v.voucher_id from voucher_freeze f join voucher v "
        "on v.member_id = f.member_id and v.voucher_id = f.voucher_id "
        "where f.thawed_at is null and v.state in ('issued', 'held')",
    ),
    (
        "dispute",
        "a redemption was reversed though a use of its voucher stands that nobody decided to be another's",
        "select r.member_id, r.redemption_id from redemption r join voucher v "
        "on v.member_id = r.member_id and v.redemption_id = r.redemption_id "
        "join acceptance a on a.member_id = v.member_id and a.voucher_id = v.voucher_id and a.void_id is null "
        "left join dispute d on d.member_id = a.member_id and d.acceptance_id = a.acceptance_id and d.verdict = 'member' "
        "where r.state = 'reversed' and d.dispute_id is null",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"{first} {second}", text)
