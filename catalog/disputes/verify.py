"""Proof of disputes and clawbacks: about acceptances that are there, vouchers frozen exactly while a reason stands, money held
exactly while a use is in question, nothing given back unasked.
"""

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
        "where case when f.freeze_id is null then d.side = 'member' "  # in a merchant's the member need not have spoken
        "else (f.thawed_at is null) <> (d.verdict is distinct from 'merchant') end",
    ),
    (
        "dispute",
        "the merchant's money is not held exactly while the use is in question, and for good after a decision for the member",
        "select d.member_id, d.dispute_id from dispute d "
        "join acceptance a on a.member_id = d.member_id and a.acceptance_id = d.acceptance_id "
        "left join merchant_item h on h.merchant_id = d.merchant_id and h.kind = 'dispute-held' "
        "and h.member_id = d.member_id and h.about_id = d.dispute_id "
        "left join merchant_item r on r.merchant_id = d.merchant_id and r.kind = 'dispute-released' "
        "and r.member_id = d.member_id and r.about_id = d.dispute_id "
        "where d.held and ((h.owed_fen, h.fee_fen, h.vat_fen, h.brand_fen) "
        "is distinct from (-a.owed_fen, -a.fee_fen, -a.vat_fen, -a.brand_fen) "
        "or case when d.verdict = 'merchant' then (r.owed_fen, r.fee_fen, r.vat_fen, r.brand_fen) "
        "is distinct from (a.owed_fen, a.fee_fen, a.vat_fen, a.brand_fen) else r.item_id is not null end) "
        "or not d.held and h.item_id is not null",
    ),
    (
        "dispute",
        "what is held or released for it names no dispute",
        "select i.member_id, i.item_id from merchant_item i left join dispute d "
        "on d.member_id = i.member_id and d.dispute_id = i.about_id and d.merchant_id = i.merchant_id "
        "where i.kind in ('dispute-held', 'dispute-released') and d.dispute_id is null",
    ),
    (
        "dispute",
        "its money was taken off twice: the use was undone or clawed back as well",
        "select d.member_id, d.dispute_id from dispute d "
        "join acceptance a on a.member_id = d.member_id and a.acceptance_id = d.acceptance_id "
        "left join merchant_item c on c.merchant_id = a.merchant_id and c.kind = 'clawback' "
        "and c.member_id = a.member_id and c.about_id = a.acceptance_id "
        "where d.held and d.verdict is distinct from 'merchant' and (a.void_id is not null or c.item_id is not null)",
    ),
    (
        "clawback",
        "it does not take exactly what the acceptance that it names gave, or that was undone as well",
        "select i.member_id, i.item_id from merchant_item i left join acceptance a "
        "on a.member_id = i.member_id and a.acceptance_id = i.about_id and a.merchant_id = i.merchant_id "
        "where i.kind = 'clawback' and (a.void_id is not null or (i.owed_fen, i.fee_fen, i.vat_fen, i.brand_fen) "
        "is distinct from (-a.owed_fen, -a.fee_fen, -a.vat_fen, -a.brand_fen))",
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
        "a redemption was reversed though a use of its voucher stands that nobody decided to be another's or took back",
        "select r.member_id, r.redemption_id from redemption r join voucher v "
        "on v.member_id = r.member_id and v.redemption_id = r.redemption_id "
        "join acceptance a on a.member_id = v.member_id and a.voucher_id = v.voucher_id and a.void_id is null "
        "left join dispute d on d.member_id = a.member_id and d.acceptance_id = a.acceptance_id and d.verdict = 'member' "
        "left join merchant_item c on c.merchant_id = a.merchant_id and c.kind = 'clawback' "
        "and c.member_id = a.member_id and c.about_id = a.acceptance_id "
        "where r.state = 'reversed' and d.dispute_id is null and c.item_id is null",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"{first} {second}", text)
