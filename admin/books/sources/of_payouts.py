"""Statements, what was paid of them, and how debts came back."""

from admin.books.sources.question import Source, key

SEALED = f"""
select {key("s.sealed_at", "s.merchant_id", "s.statement_no::bigint", merchant="s.merchant_id", currency="s.currency")},
  s.payable_fen as payable, greatest(-s.carried_fen, 0) as owing, greatest(-s.opening_fen, 0) as netted from statement s"""

STEPS_A_STATEMENT = 1000  # more a payout never takes; they number the documents


def _payout(route: str, state: str, amounts: str = "") -> str:
    """The steps of payouts into a state, with the amount, and what depends on the state before."""
    number = f"p.statement_no::bigint * {STEPS_A_STATEMENT} + p.step_no"
    return f"""
select {key("p.at", "p.merchant_id", number, merchant="p.merchant_id", currency="s.currency")}, p.amount_fen as amount{amounts}
from (select x.*, lag(x.state) over (partition by x.merchant_id, x.statement_no order by x.step_no) as was from payout_step x) p
join statement s on s.merchant_id = p.merchant_id and s.statement_no = p.statement_no
where p.route = '{route}' and p.state = '{state}'"""


def _recovery(at: str, condition: str) -> str:
    return f"""
select {key(at, "r.merchant_id", "r.recovery_id", merchant="r.merchant_id", currency="h.currency")}, r.amount_fen as amount
from recovery r join merchant h on h.merchant_id = r.merchant_id
left join merchant_item i on i.merchant_id = r.merchant_id and i.item_id = r.item_id where {condition}"""


_AGAIN = ", case when p.was = 'returned' then p.amount_fen else 0 end as again"
_BACK = ", case when p.was = 'paid' then p.amount_fen else 0 end as back"
_BOOKED = "r.item_id is not null and r.step"

SOURCES = (
    Source("statement-sealed", "statement", SEALED, "stm"),
    Source("payout-transferred", "payout_step", _payout("stripe", "sent"), "pay"),
    Source("payout-released", "payout_step", _payout("bank", "sent"), "pay"),
    Source("payout-confirmed", "payout_step", _payout("bank", "paid", _AGAIN), "pay"),
    Source("payout-returned", "payout_step", _payout("bank", "returned", _BACK), "pay"),
    Source("transfer-reversed", "recovery", _recovery("i.recorded_at", f"{_BOOKED} = 'reversal'"), "rcv"),
    Source("debt-invoiced", "recovery", _recovery("i.recorded_at", f"{_BOOKED} = 'invoice'"), "rcv"),
    Source(
        "debt-paid", "recovery", _recovery("r.changed_at", "r.step = 'invoice' and r.state = 'done'"), "rcv"
    ),
    Source("debt-written-off", "recovery", _recovery("r.at", "r.step = 'write-off'"), "rcv"),
)
