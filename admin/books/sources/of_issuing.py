"""Points that members earn at merchants, the packs that pay for them, and estimates of breakage."""

from admin.books.sources.question import Source, day, key, rate, value

BOUGHT = f"""
select {key("k.bought_at", "k.merchant_id", "k.pack_id", merchant="k.merchant_id", currency="h.currency")}, k.price_fen as price
from points_pack k join merchant h on h.merchant_id = k.merchant_id"""

# e is the earning. What no pack paid is owed, at the price of the terms; what one paid, or got back, has the step of the pack's
# price that lies between what had been used of it before and after, so that all steps add up: a pack used up has no fen left.
_WORTH = f"""
join member m on m.member_id = e.member_id {rate("m.programme_id", day("e.recorded_at"))}
cross join lateral (select {value("e.points")} as value) worth
cross join lateral (select div(worth.value::numeric * e.postpaid_points, e.points)::bigint as owed) part"""
_STEPS = """
left join (select member_id, source_id, sum(price)::bigint as price from (
    select u.member_id, u.source_id, div(k.price_fen::numeric * sum(u.points) over w, k.points)
      - div(k.price_fen::numeric * (sum(u.points) over w - u.points), k.points) as price
    from pack_use u join points_pack k on k.merchant_id = u.merchant_id and k.pack_id = u.pack_id
    window w as (partition by u.pack_id order by u.source_id, u.member_id)) step
  group by 1, 2) pack on pack.member_id = e.member_id and pack.source_id ="""


def _amounts(sign: str = "") -> str:
    return (
        "part.owed as owed_value, e.price_fen - part.owed as owed_margin, worth.value - part.owed as pack_value, "
        f"{sign}coalesce(pack.price, 0) - (worth.value - part.owed) as pack_margin"
    )


def _earned(at: str, member: str, number: str) -> str:
    return key(
        at, member, number, merchant="e.merchant_id", programme="m.programme_id", currency="e.currency"
    )


GIVEN = f"""
select {_earned("e.recorded_at", "e.member_id", "e.earning_id")}, {_amounts()} from merchant_earning e {_WORTH} {_STEPS} e.earning_id"""

REVERSED = f"""
select {_earned("d.recorded_at", "d.member_id", "d.reversal_id")}, {_amounts("-")}
from earning_reversal d join merchant_earning e on e.member_id = d.member_id and e.earning_id = d.earning_id {_WORTH}
{_STEPS} d.reversal_id"""


def _breakage(cause: str) -> str:
    """What an estimate changes, dated at the end of its day."""
    at = "(r.on_day + 1)::timestamp at time zone %(zone)s - interval '1 microsecond'"
    return f"""
select {key(at, "r.programme_id", "r.estimate_no::bigint", programme="r.programme_id", currency="g.currency")},
  (c.now - c.before)::bigint as change
from breakage_run r join programme g on g.programme_id = r.programme_id
cross join lateral (select
    coalesce(sum(e.breakage_fen) filter (where e.estimate_no = r.estimate_no), 0) as now,
    coalesce(sum(e.breakage_fen) filter (where e.estimate_no = r.estimate_no - 1), 0) as before
  from breakage_estimate e
  where e.programme_id = r.programme_id and e.estimate_no between r.estimate_no - 1 and r.estimate_no) c
where r.cause = '{cause}'"""


SOURCES = (
    Source("pack-bought", "points_pack", BOUGHT, "pck"),
    Source("merchant-points-issued", "merchant_earning", GIVEN, "ern"),
    Source("merchant-points-reversed", "earning_reversal", REVERSED, "erv"),
    Source("breakage-expected", "breakage_run", _breakage("time"), "brk"),
    Source("breakage-restated", "breakage_run", _breakage("policy"), "brk"),
)
