"""What a redemption costs the operator, in fen: said once, for everything that reckons with it.

Bill credit, services, perks, goods: what was written down when it was redeemed. A merchant's voucher: what is owed for
what was accepted, less the merchant's fee; one that ended unused costs nothing, one that can still be used is counted at
what was written down. What the member paid in cash is taken off. Money stays whole: a part of units rounds down.
"""

from typing import Any

from admin.analytics.sums import Days
from admin.replay.counting import COUNTED

# As of a moment `until` and its day `on`. A gift's voucher is the receiver's. Given: r, a redemption; gives cost_fen.
OF_REDEMPTION = """
left join voucher_gift vg on r.kind = 'gift' and vg.member_id = r.member_id and vg.redemption_id = r.redemption_id
left join voucher v on v.member_id = coalesce(vg.receiver_id, r.member_id) and r.kind in ('voucher', 'trial_card', 'gift')
  and (v.voucher_id = vg.voucher_id or vg.redemption_id is null and v.redemption_id = r.redemption_id)
left join lateral (
  select coalesce(sum(a.units), 0)::bigint units, coalesce(sum(a.owed_fen - a.fee_fen), 0)::bigint fen
  from acceptance a left join void d on d.member_id = a.member_id and d.void_id = a.void_id
  where a.member_id = v.member_id and a.voucher_id = v.voucher_id and a.recorded_at < %(until)s
    and (d.void_id is null or d.recorded_at >= %(until)s)) used on v.voucher_id is not null
cross join lateral (select case
  when v.voucher_id is null then r.cost_fen
  when v.last_day >= %(on)s and v.state <> 'cancelled'
    then used.fen + div(r.cost_fen::numeric * greatest(v.units - used.units, 0), v.units)::bigint
  else used.fen end - r.cash_fen as cost_fen) cost
"""
# The redemptions of a part of the members over some days that stand; points 0 is what a tier allowed without any.
STANDING = f"""
from redemption r join member_facts f on f.member_id = r.member_id
{OF_REDEMPTION}
where f.programme_id = %(programme)s and r.member_id > %(low)s and r.member_id <= %(high)s
  and r.at >= %(since)s and r.at < %(until)s and r.state = any(%(states)s)
"""


def asked(days: Days, part: tuple[int, int]) -> dict[str, Any]:
    """What STANDING asks for."""
    return {
        "programme": days.programme.programme_id, "low": part[0], "high": part[1],
        "since": days.since, "until": days.until, "on": days.last, "states": list(COUNTED),
    }  # fmt: skip
