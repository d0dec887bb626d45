"""When something that was redeemed was used, kind by kind: said once, for who rates, who is asked, and the proof.

A voucher (also a trial card, or one in a bundle): a use of it at a till that stands. An event: who came. A perk: its provider
told of the use. Goods: they arrived, or their code is there. Bill credit, a service, and a bundle of these: when it was given.
A gift is used by another member than the one who redeemed it, so it is rated by nobody; history is known too little of.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from base import database
from catalog.offers.models import BILL_CREDIT, BUNDLE, EVENT, GOODS, PERK, SERVICE, TRIAL_CARD, VOUCHER
from catalog.redemptions.models import FULFILLED, Redemption

RATED = (BILL_CREDIT, VOUCHER, TRIAL_CARD, PERK, EVENT, GOODS, SERVICE, BUNDLE)

# What was undone, given back, or decided to have been somebody else is no use; the proof asks what was one at its time.
_STANDS = (
    "and a.void_id is null and not exists (select from dispute d where d.member_id = a.member_id "
    "and d.acceptance_id = a.acceptance_id and d.verdict = 'member')"
)


def _used(standing: str, given: str) -> str:
    """Given r, a redemption; gives u: first_at, used_at (null: it was not), merchant_id, outlet_id of the latest use."""
    return f"""
left join lateral (
  select count(v.voucher_id) issued, min(a.recorded_at) first_at, max(a.recorded_at) last_at, max(a.merchant_id) merchant_id,
    (array_agg(a.outlet_id order by a.recorded_at desc nulls last))[1] outlet_id
  from voucher v left join acceptance a on a.member_id = v.member_id and a.voucher_id = v.voucher_id {standing}
  where v.member_id = r.member_id and v.redemption_id = r.redemption_id) shown on true
left join goods_order g on g.member_id = r.member_id and g.redemption_id = r.redemption_id
left join seat s on s.member_id = r.member_id and s.redemption_id = r.redemption_id and s.state = 'attended'
left join perk_use p on p.member_id = r.member_id and p.redemption_id = r.redemption_id and p.outcome = 'used'
cross join lateral (
  select case when g.goods_class = 'electronic' then coalesce(g.delivered_at, g.shipped_at) else g.delivered_at end arrived,
    (select min(e.at) from redemption_step e where e.member_id = r.member_id and e.redemption_id = r.redemption_id
      and e.state = 'fulfilled') given_at) t
cross join lateral (select case {given}
  when r.kind in ('voucher', 'trial_card') or r.kind = 'bundle' and shown.issued > 0 then array[shown.first_at, shown.last_at]
  when r.kind = 'goods' or r.kind = 'bundle' and g.redemption_id is not null then array[t.arrived, t.arrived]
  when r.kind = 'event' then array[s.changed_at, s.changed_at]
  when r.kind = 'perk' then array[p.at, p.at]
  when r.kind in ('bill_credit', 'service', 'bundle') then array[t.given_at, t.given_at] end uses) w
cross join lateral (select w.uses[1] first_at, w.uses[2] used_at, shown.merchant_id, shown.outlet_id) u
"""


USED = _used(_STANDS, f"when r.state <> '{FULFILLED}' then null")
EVER_USED = _used("", "when t.given_at is null then null")


class Use(NamedTuple):
    """The latest use that stands, and where, if it was at a merchant's."""

    used_at: datetime
    merchant_id: int | None
    outlet_id: int | None


def of(session: Session, redemption: Redemption) -> Use | None:
    """When it was used; None: it was not, or not any more."""
    place = (redemption.member_id, redemption.redemption_id)
    found = next(iter(database.rows(session, _OF_ONE, place)), None)
    return Use(*found) if found else None


_OF_ONE = (
    f"select u.used_at, u.merchant_id, u.outlet_id from redemption r {USED} "
    "where r.member_id = %s and r.redemption_id = %s and u.used_at is not null"
)
