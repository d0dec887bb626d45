"""Proof of cash parts: each belongs to a redemption whose state agrees, and no payment at Stripe is counted twice."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

MOST = 100
_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "cash part",
        "its redemption is missing, or stands otherwise than the money",
        "select c.member_id, c.redemption_id from cash_part c left join redemption r using (member_id, redemption_id) "
        "where r.redemption_id is null or r.cash_fen <> c.amount_fen or not case when c.paid_at is not null "
        "then (r.state in ('failed', 'cancelled', 'reversed')) = (c.state in ('refund_due', 'refunded')) "
        "when c.gave_up_at is not null then r.state in ('failed', 'cancelled') else r.state = 'pending' end",
    ),
    (
        "cash part",
        "a redemption is to be paid in money in part, and nobody asks for it",
        "select r.member_id, r.redemption_id from redemption r left join cash_part c using (member_id, redemption_id) "
        "where r.cash_fen > 0 and c.redemption_id is null",
    ),
    (
        "cash part",
        "a payment at Stripe that another redemption counts too",
        "select member_id, redemption_id from (select member_id, redemption_id, "
        "count(*) over (partition by payment_intent) as redemptions from cash_part where payment_intent is not null) c "
        "where redemptions > 1",
    ),
    (
        "card proceeds",
        "they are not of what the member paid, or another payment counts them too",
        "select member_id, redemption_id from (select p.*, c.amount_fen as asked_fen, c.currency as asked, "
        "count(*) over (partition by p.transaction) as payments from card_proceeds p "
        "left join cash_part c using (member_id, redemption_id)) p where payments > 1 "
        "or (p.amount_fen, p.currency) is distinct from (p.asked_fen, p.asked) or p.fee_fen not between 0 and p.amount_fen",
    ),
    (
        "cash event",
        "it tells of a cash part that is not there",
        "select e.member_id, e.redemption_id from cash_event e left join cash_part c using (member_id, redemption_id) "
        "where c.redemption_id is null",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for member_id, redemption_id in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"{member_id} {redemption_id}", text)
