"""Proof of perks: what a redemption drew from allowances stands with it and is given back with it; only what was given is used."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "perk",
        "its uses of an allowance and its state do not agree",
        "select r.member_id, r.redemption_id from redemption r left join lateral ("
        "select count(*) named, count(u.use_id) found, count(b.use_id) undone "
        "from jsonb_array_elements_text(coalesce(r.details->'uses', '[]')) id "
        "left join entitlement_use u on u.member_id = r.member_id and u.use_id = id::bigint and u.undoes is null "
        "left join entitlement_use b on b.member_id = r.member_id and b.undoes = id::bigint) n on true "
        "where r.kind = 'perk' and (n.found <> n.named "
        "or n.undone <> case when r.state = 'fulfilled' then 0 else n.named end "
        "or r.state = 'fulfilled' and (n.named > 0) <> (r.details ? 'draws') "
        "or r.price_points = 0 and r.cash_fen = 0 and not r.details ? 'draws')",
    ),
    (
        "perk use",
        "it is of no perk that was given, or has more guests than were paid",
        "select u.member_id, u.redemption_id from perk_use u left join redemption r "
        "on r.member_id = u.member_id and r.redemption_id = u.redemption_id where r.redemption_id is null "
        "or r.kind <> 'perk' or r.state <> 'fulfilled' or u.guests > coalesce((r.details->>'guests')::int, 0)",
    ),
)
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"{first} {second}", text)
