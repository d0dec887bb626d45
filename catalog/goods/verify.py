"""Proof of goods: each redemption has its order, where it should be, and the steps lead there."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

MOST = 100

_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "a redemption of goods has no order, or one that is not where it should be",
        "select r.member_id, r.redemption_id from redemption r left join goods_order g using (member_id, redemption_id) "
        "where r.kind = 'goods' and (g.state is null or g.units <> r.units or g.version_id <> r.version_id or not case "
        "when r.state = 'pending' then g.state = 'ordered' and g.provider_order is null "
        "when r.state in ('fulfilling', 'unknown') then g.state in ('ordered', 'picked') "
        "when r.state = 'fulfilled' then g.state in ('shipped', 'delivered') "
        "when r.state = 'failed' then g.state in ('refused', 'lost', 'returned', 'cancelled') "
        "when r.state = 'cancelled' then g.state = 'cancelled' "
        "else g.state in ('returned', 'lost') end)",
    ),
    (
        "an order of goods belongs to no redemption of goods and to no bundle",
        "select g.member_id, g.redemption_id from goods_order g left join redemption r using (member_id, redemption_id) "
        "where coalesce(r.kind, '') <> 'goods' and not exists (select from bundle_part b where b.kind = 'goods' "
        "and b.member_id = g.member_id and b.redemption_id = g.redemption_id)",
    ),
    (
        "the steps of an order of goods do not lead to where it is",
        "select g.member_id, g.redemption_id from goods_order g left join goods_step s using (member_id, redemption_id) "
        "group by g.member_id, g.redemption_id, g.steps, g.state, g.units_shipped having count(s.no) <> g.steps "
        "or coalesce(max(s.no), 0) <> g.steps or case when g.steps = 0 then g.state not in ('ordered', 'cancelled') "
        "else g.state is distinct from (array_agg(s.state order by s.no desc))[1] "
        "or g.units_shipped is distinct from (array_agg(s.units_shipped order by s.no desc))[1] end",
    ),
    (
        "the parcels of an order of goods are not what was sent",
        "select g.member_id, g.redemption_id from goods_order g where g.goods_class <> 'electronic' and g.units_shipped <> "
        "(select coalesce(sum((p->>'units')::int), 0) from jsonb_array_elements(g.parcels) p)",
    ),
)


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule. Read-only."""
    for text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding("goods", f"{first} {second}", text)
