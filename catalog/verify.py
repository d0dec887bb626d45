"""Proof of the catalogue: redemptions, vouchers, acceptances and seats agree with each other and with the ledger."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from base.findings import Finding
from points.kinds import Kind

_CHECKS: tuple[tuple[str, str, str], ...] = (
    (
        "redemption posting",
        "its posting is missing, of another kind or of another amount",
        "select r.member_id, r.redemption_id from redemption r left join posting p "
        "on p.member_id = r.member_id and p.seq = r.posting_seq "
        f"where p.seq is null or p.amount <> r.price_points or p.kind not in ({int(Kind.REDEEM)}, {int(Kind.HOLD)}) "
        f"or (r.kind = 'bill_credit') <> (p.kind = {int(Kind.HOLD)})",
    ),
    (
        "redemption end",
        "its state and the ledger do not agree",
        "select r.member_id, r.redemption_id from redemption r left join posting p "
        "on p.member_id = r.member_id and p.rev_of = r.posting_seq "
        "group by r.member_id, r.redemption_id, r.kind, r.state, r.price_points having "
        f"coalesce(sum(p.amount) filter (where p.kind = {int(Kind.CAPTURE)}), 0) <> "
        "case when r.kind = 'bill_credit' and r.state = 'fulfilled' then r.price_points else 0 end "
        f"or coalesce(sum(p.amount) filter (where p.kind in ({int(Kind.RELEASE)}, {int(Kind.REVERSE)})), 0) <> "
        "case when r.state in ('failed', 'cancelled') then r.price_points else 0 end",
    ),
    (
        "voucher",
        "a paid voucher redemption has exactly one voucher, cancelled with it",
        "select r.member_id, r.redemption_id from redemption r left join voucher v "
        "on v.member_id = r.member_id and v.redemption_id = r.redemption_id where r.kind = 'voucher' "
        "group by r.member_id, r.redemption_id, r.state having count(v.voucher_id) <> 1 "
        "or (r.state = 'cancelled') <> bool_or(v.state = 'cancelled')",
    ),
    (
        "acceptance",
        "units used are not the standing acceptances",
        "select v.member_id, v.voucher_id from voucher v left join acceptance a "
        "on a.member_id = v.member_id and a.voucher_id = v.voucher_id and a.void_id is null "
        "group by v.member_id, v.voucher_id, v.units, v.units_left, v.use_no "
        "having coalesce(sum(a.units), 0) <> v.units - v.units_left or count(a.acceptance_id) <> v.use_no",
    ),
    (
        "seat",
        "a perk's redemption and its seat do not agree",
        "select r.member_id, r.redemption_id from redemption r left join seat s "
        "on s.member_id = r.member_id and s.redemption_id = r.redemption_id where r.kind = 'perk' "
        "and coalesce(s.state = 'taken', false) <> (r.state = 'fulfilled')",
    ),
    (
        "spender",
        "posting, quote, voucher or seat name another spender than the redemption",
        "select r.member_id, r.redemption_id from redemption r "
        "left join posting p on p.member_id = r.member_id and p.seq = r.posting_seq "
        "left join quote q on q.member_id = r.member_id and q.quote_id = r.quote_id "
        "left join voucher v on v.member_id = r.member_id and v.redemption_id = r.redemption_id "
        "left join seat s on s.member_id = r.member_id and s.redemption_id = r.redemption_id "
        "where (p.seq is not null and p.spender_id is distinct from r.spender_id) "
        "or (q.quote_id is not null and q.spender_id is distinct from r.spender_id) "
        "or (v.voucher_id is not null and v.spender_id is distinct from r.spender_id) "
        "or (s.seat_id is not null and s.spender_id is distinct from r.spender_id)",
    ),
    (
        "quote",
        "a redemption names a quote with another price",
        "select r.member_id, r.redemption_id from redemption r join quote q "
        "on q.member_id = r.member_id and q.quote_id = r.quote_id where q.price_points <> r.price_points "
        "or q.offer_id <> r.offer_id",
    ),
)
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"{first} {second}", text)
