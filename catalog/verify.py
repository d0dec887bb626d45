"""Proof of the catalogue: redemptions, vouchers and acceptances agree with each other and with the ledger."""

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
        "where (p.seq is null) <> (r.price_points = 0) or p.amount <> r.price_points "
        f"or p.kind <> case when r.held then {int(Kind.HOLD)} else {int(Kind.REDEEM)} end",
    ),
    (
        "redemption end",
        "its state and the ledger do not agree",
        "select r.member_id, r.redemption_id from redemption r cross join lateral (select "
        f"coalesce(sum(p.amount) filter (where p.kind = {int(Kind.CAPTURE)}), 0) captured, "
        f"coalesce(sum(p.amount) filter (where p.kind = {int(Kind.RELEASE)}), 0) released, "
        f"coalesce(sum(p.amount) filter (where p.kind = {int(Kind.REVERSE)}), 0) + coalesce((select sum(b.amount) "
        "from posting c join posting b on b.member_id = c.member_id and b.rev_of = c.seq "
        f"where c.member_id = r.member_id and c.rev_of = r.posting_seq and c.kind = {int(Kind.CAPTURE)} "
        f"and b.kind = {int(Kind.REVERSE)}), 0) reversed "
        "from posting p where p.member_id = r.member_id and p.rev_of = r.posting_seq) e "
        "where r.price_points > 0 and (e.captured <> 0 and not r.held "
        "or r.held and (e.captured > 0) <> (r.state = 'fulfilled' or e.reversed > 0) "
        "or e.captured not in (0, r.price_points) "
        "or e.released + e.reversed <> case when r.state in ('failed', 'cancelled', 'reversed') "
        "then r.price_points else 0 end)",
    ),
    (
        "redemption offer",
        "it is of another kind than the version of the offer that it names",
        "select r.member_id, r.redemption_id from redemption r left join offer o on o.version_id = r.version_id "
        "where o.version_id is null or (o.offer_id, o.kind) <> (r.offer_id, r.kind)",
    ),
    (
        "redemption step",
        "its timeline does not lead to its state",
        "select r.member_id, r.redemption_id from redemption r left join redemption_step s "
        "on s.member_id = r.member_id and s.redemption_id = r.redemption_id where r.kind <> 'history' "
        "group by r.member_id, r.redemption_id, r.steps, r.state having count(s.no) <> r.steps or max(s.no) <> r.steps "
        "or r.state is distinct from (array_agg(s.state order by s.no desc))[1]",
    ),
    (
        "offer",
        "a version differs from its offer in programme, kind or code",
        "select o.offer_id, o.version_id from offer o left join offer_state s on s.offer_id = o.offer_id "
        "and (s.programme_id, s.kind, s.code) = (o.programme_id, o.kind, o.code) where s.offer_id is null",
    ),
    (
        "voucher",
        "a voucher redemption that was given has exactly one voucher, cancelled with it or by a dispute for the member",
        "select r.member_id, r.redemption_id from redemption r left join voucher v "
        "on v.member_id = r.member_id and v.redemption_id = r.redemption_id where r.kind = 'voucher' "
        "group by r.member_id, r.redemption_id, r.state "
        "having count(v.voucher_id) <> (r.state in ('fulfilled', 'cancelled', 'reversed'))::int "
        "or (r.state in ('cancelled', 'reversed')) <> bool_or(v.state = 'cancelled' and not (r.state = 'fulfilled' "
        "and exists (select from dispute d where d.member_id = v.member_id and d.voucher_id = v.voucher_id "
        "and d.verdict = 'member')))",
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
        "redemption offer",
        "it is of another kind than the version of the offer that it names",
        "select r.member_id, r.redemption_id from redemption r left join offer o on o.version_id = r.version_id "
        "where o.version_id is null or (o.offer_id, o.kind) <> (r.offer_id, r.kind)",
    ),
    (
        "offer count",
        "what all members have together of an offer is not what their redemptions add up to",
        "select offer_id, coalesce(c.units, 0) from offer_count c full join ("
        "select r.offer_id, l ->> 'per' per, case l ->> 'per' when 'ever' then date '1970-01-01' "
        "else date_trunc(l ->> 'per', r.at at time zone p.zone)::date end first_day, sum(r.units) units "
        "from redemption r join offer o on o.version_id = r.version_id "
        "join programme p on p.programme_id = o.programme_id cross join lateral jsonb_array_elements(o.limits) l "
        "where l ->> 'of' = 'all' and r.state not in ('failed', 'cancelled', 'reversed') group by 1, 2, 3) k "
        "using (offer_id, per, first_day) where coalesce(c.units, 0) <> coalesce(k.units, 0)",
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
        "or q.version_id <> r.version_id or q.cash_fen <> r.cash_fen",
    ),
)
MOST = 100


def findings(session: Session) -> Iterator[Finding]:
    """All that is wrong, at most MOST of each rule."""
    for rule, text, statement in _CHECKS:
        for first, second in session.connection().exec_driver_sql(f"{statement} limit {MOST}"):
            yield Finding(rule, f"{first} {second}", text)
