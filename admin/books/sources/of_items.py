"""What else is on a merchant's account: adjustments, clawbacks, disputes, the reserve."""

from admin.books.sources.question import BEYOND, Source, key

_NET = "(i.owed_fen - i.fee_fen - i.vat_fen)"
_ITEM = "merchant_item i join merchant h on h.merchant_id = i.merchant_id"
# A use that is taken back from its merchant, with its voucher. Its money is what the step of the voucher's units had of it, so
# that all steps add up exactly: b.used were used before it.
_USE = """join voucher v on v.member_id = a.member_id and v.voucher_id = a.voucher_id
join offer o on o.version_id = v.version_id join terms t on t.terms_id = a.terms_id
cross join lateral (select coalesce(sum(u.units), 0)::bigint as used from acceptance u
  where u.member_id = a.member_id and u.voucher_id = a.voucher_id and u.use_no < a.use_no and u.void_id is null) b
cross join lateral (select (div(v.cash_fen::numeric * (v.units - b.used), v.units)
  - div(v.cash_fen::numeric * (v.units - b.used - a.units), v.units))::bigint as cash) m"""
_BACK = f"a.booked_fen - m.cash as points, m.cash, {BEYOND}"


def _item(amounts: str, kind: str) -> str:
    said = key("i.recorded_at", "i.merchant_id", "i.item_id", merchant="i.merchant_id", currency="h.currency")
    return f"select {said}, {amounts} from {_ITEM} where i.kind = '{kind}'"


# Those by which a debt is brought back are in of_payouts.py.
ADJUSTED = f"""
select {key("i.recorded_at", "i.merchant_id", "i.item_id", merchant="i.merchant_id", brand="coalesce(t.brand, '')", currency="h.currency")},
  i.owed_fen - i.brand_fen as own, i.brand_fen as brand_part, i.fee_fen as fee, i.vat_fen as vat
from {_ITEM} left join acceptance a on a.member_id = i.member_id and a.acceptance_id = i.about_id
left join terms t on t.terms_id = a.terms_id
where i.kind = 'adjustment' and not exists (select from recovery r where r.merchant_id = i.merchant_id and r.item_id = i.item_id)"""

CLAWED_BACK = f"""
select {key("i.recorded_at", "i.merchant_id", "i.item_id", merchant="i.merchant_id", programme="o.programme_id", brand="t.brand", currency="a.currency")},
  {_BACK}
from merchant_item i join acceptance a on a.member_id = i.member_id and a.acceptance_id = i.about_id {_USE}
where i.kind = 'clawback'"""

FOR_MEMBER = f"""
select {key("e.decided_at", "e.member_id", "e.dispute_id", merchant="e.merchant_id", programme="o.programme_id", brand="t.brand", currency="a.currency")},
  {_BACK}
from dispute e join acceptance a on a.member_id = e.member_id and a.acceptance_id = e.acceptance_id {_USE}
where e.verdict = 'member' and exists (select from merchant_item i where i.merchant_id = e.merchant_id
  and i.kind = 'dispute-held' and i.member_id = e.member_id and i.about_id = e.dispute_id)"""

SOURCES = (
    Source("merchant-adjusted", "merchant_item", ADJUSTED, "itm"),
    Source("clawed-back", "merchant_item", CLAWED_BACK, "itm"),
    Source("dispute-opened", "merchant_item", _item(f"-{_NET} as net", "dispute-held"), "itm"),
    Source("dispute-for-merchant", "merchant_item", _item(f"{_NET} as net", "dispute-released"), "itm"),
    Source("dispute-for-member", "merchant_item", FOR_MEMBER, "dsp"),
    Source("reserve-in", "merchant_item", _item(f"-{_NET} as amount", "reserve-in"), "itm"),
    Source("reserve-out", "merchant_item", _item(f"{_NET} as amount", "reserve-out"), "itm"),
)
