"""Points that members earn at merchants, the packs that pay for them, and estimates of breakage."""

from admin.books.sources.question import Source, day, key, rate, value

BOUGHT = f"""
select {key("k.bought_at", "k.merchant_id", "k.pack_id", merchant="k.merchant_id", currency="h.currency")}, k.price_fen as price
from points_pack k join merchant h on h.merchant_id = k.merchant_id"""

# e is the earning. What no pack paid is owed, at the price of the terms; what one paid has its share of the pack's price.
_WORTH = f"""
join member m on m.member_id = e.member_id {rate("m.programme_id", day("e.recorded_at"))}
cross join lateral (select {value("e.points")} as value) worth
cross join lateral (select div(worth.value::numeric * e.postpaid_points, e.points)::bigint as owed) part
cross join lateral (select coalesce(sum(div(k.price_fen::numeric * u.points, k.points)), 0)::bigint as price
  from pack_use u join points_pack k on k.merchant_id = u.merchant_id and k.pack_id = u.pack_id
  where u.member_id = e.member_id and u.source_id = e.earning_id) pack"""
_AMOUNTS = (
    "part.owed as owed_value, e.price_fen - part.owed as owed_margin, worth.value - part.owed as pack_value, "
    "pack.price - (worth.value - part.owed) as pack_margin"
)


def _earned(at: str, member: str, number: str) -> str:
    return key(
        at, member, number, merchant="e.merchant_id", programme="m.programme_id", currency="e.currency"
    )


GIVEN = f"""
select {_earned("e.recorded_at", "e.member_id", "e.earning_id")}, {_AMOUNTS} from merchant_earning e {_WORTH}"""

REVERSED = f"""
select {_earned("d.recorded_at", "d.member_id", "d.reversal_id")}, {_AMOUNTS}
from earning_reversal d join merchant_earning e on e.member_id = d.member_id and e.earning_id = d.earning_id {_WORTH}"""


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
