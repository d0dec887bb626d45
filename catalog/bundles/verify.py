"""Proof of bundles: the parts stand as their redemption does, and its voucher was issued with the points or not at all."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

MOST = 100

_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "a bundle has no parts, or parts that do not stand as it does",
        "select r.member_id, r.redemption_id from redemption r left join bundle_part b using (member_id, redemption_id) "
        "where r.kind = 'bundle' group by r.member_id, r.redemption_id, r.state having count(b.part_no) = 0 "
        "or bool_or(b.state <> case when r.state in ('pending', 'fulfilling', 'unknown') then 'waiting' "
        "when r.state = 'fulfilled' then 'given' else 'undone' end) "
        "or count(*) filter (where b.kind <> 'voucher') > 1 or count(*) filter (where b.kind = 'voucher') > 1",
    ),
    (
        "a part belongs to no bundle",
        "select b.member_id, b.redemption_id from bundle_part b left join redemption r using (member_id, redemption_id) "
        "where r.kind is distinct from 'bundle'",
    ),
    (
        "the voucher of a bundle was not issued together with its points, or was not taken back with them",
        "select r.member_id, r.redemption_id from redemption r cross join lateral (select count(*) issued, "
        "count(*) filter (where v.state <> 'cancelled') standing from voucher v "
        "where v.member_id = r.member_id and v.redemption_id = r.redemption_id) v cross join lateral (select "
        "count(*) wanted from bundle_part b where b.member_id = r.member_id and b.redemption_id = r.redemption_id "
        "and b.kind = 'voucher') b where r.kind = 'bundle' and (v.standing <> case when r.state = 'fulfilled' then b.wanted "
        "else 0 end or v.issued > b.wanted)",
    ),
    (
        "the electronic part of a bundle is not where it should be",
        "select b.member_id, b.redemption_id from bundle_part b left join goods_order g using (member_id, redemption_id) "
        "where b.kind = 'goods' and (g.state is null or not case when b.state = 'waiting' then g.state in ('ordered', 'picked') "
        "when b.state = 'given' then g.state in ('shipped', 'delivered') else g.state in ('refused', 'cancelled', 'lost', 'returned') end)",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule. Read-only."""
    for text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding("bundle", f"{first} {second}", text)
