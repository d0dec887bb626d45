"""Proof of gifts of vouchers: each redemption names a receiver, and the voucher is the receiver's exactly when it was given."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding

_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "its redemption and its voucher do not agree",
        "select coalesce(r.member_id, g.member_id), coalesce(r.redemption_id, g.redemption_id) "
        "from (select * from redemption where kind = 'gift') r full join voucher_gift g "
        "on g.member_id = r.member_id and g.redemption_id = r.redemption_id left join voucher v "
        "on v.member_id = g.receiver_id and v.voucher_id = g.voucher_id and v.redemption_id = g.redemption_id "
        "and v.version_id = r.version_id and v.units = r.units "
        "where r.redemption_id is null or g.redemption_id is null or g.receiver_id = g.member_id "
        "or (g.voucher_id is null) <> (v.voucher_id is null) "
        "or case r.state when 'fulfilling' then false when 'fulfilled' then coalesce(v.state, 'cancelled') = 'cancelled' "
        "when 'reversed' then coalesce(v.state, '') <> 'cancelled' else g.voucher_id is not null end",
    ),
    (
        "a voucher belongs to no redemption of its member and to no gift",
        "select v.member_id, v.voucher_id from voucher v left join redemption r "
        "on r.member_id = v.member_id and r.redemption_id = v.redemption_id left join voucher_gift g "
        "on g.receiver_id = v.member_id and g.voucher_id = v.voucher_id "
        "where (r.redemption_id is null) = (g.redemption_id is null)",
    ),
)
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for fault, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding("voucher gift", f"{first} {second}", fault)
