"""Facts as events with amounts: for each event one question to the database, over whatever time is asked for.

A question gives for each fact: at, its key (two numbers), merchant, programme where points move, brand, currency, and the amounts
that the event's rule names, in fen. What a table froze is taken as it is; points that no voucher froze are worth the general rate
of the day. The same questions make the journal, document by document, and the balances, added up by the database.
"""

from dataclasses import dataclass

from admin.books.rules import POINTS, RULES, Rule
from points.kinds import Kind


@dataclass(frozen=True)
class Source:
    """Where the facts of an event are: the table without which there are none, the question, and what documents are called."""

    event: str
    table: str
    question: str
    prefix: str

    @property
    def rule(self) -> Rule:
        """What the event moves."""
        return RULES[self.event]

    @property
    def moves_points(self) -> bool:
        """Whether it touches what points are worth."""
        return any(POINTS in (move.debit, move.credit) for move in self.rule.moves)


COLUMNS = ("at", "first", "second", "merchant_id", "programme_id", "brand", "currency")


def _columns(
    at: str, first: str, second: str, merchant: str, programme: str, brand: str, currency: str
) -> str:
    given = (at, first, second, merchant, programme, brand, currency)
    return ", ".join(f"{said} as {name}" for said, name in zip(given, COLUMNS, strict=True))


_NO_MERCHANT, _NO_PROGRAMME, _NO_BRAND = "0::bigint", "0::bigint", "''::text"
_PARTS = "({0}.booked_fen - {0}.cash_fen) points, {0}.cash_fen cash"
_LEFT = """div((v.booked_fen - v.cash_fen)::numeric * v.units_left, v.units)::bigint points,
  div(v.cash_fen::numeric * v.units_left, v.units)::bigint cash"""
_OFFER = "join offer o on o.version_id = v.version_id join programme g on g.programme_id = o.programme_id"
# What an acceptance moved; a is the acceptance.
_USE = """least(a.booked_fen, a.owed_fen - a.brand_fen) covered, greatest(a.owed_fen - a.brand_fen - a.booked_fen, 0) subsidy,
  greatest(a.booked_fen - a.owed_fen + a.brand_fen, 0) margin, a.brand_fen brand_part, a.fee_fen fee, a.vat_fen vat"""
# What of an acceptance goes back to its member, in points and in money: the steps of a voucher's units add up exactly.
_BACK = """(a.booked_fen - m.cash) points, m.cash, greatest(a.owed_fen - a.brand_fen - a.booked_fen, 0) subsidy,
  greatest(a.booked_fen - a.owed_fen + a.brand_fen, 0) margin, a.brand_fen brand_part, a.fee_fen fee, a.vat_fen vat"""
_CASH_OF_USE = """cross join lateral (select coalesce(sum(u.units), 0)::bigint used from acceptance u
    where u.member_id = a.member_id and u.voucher_id = a.voucher_id and u.use_no < a.use_no and u.void_id is null) b
  cross join lateral (select (div(v.cash_fen::numeric * (v.units - b.used), v.units)
    - div(v.cash_fen::numeric * (v.units - b.used - a.units), v.units))::bigint cash) m"""
_RATE = """left join rate w on w.programme_id = {0} and w.offer_id is null and w.kind is null and w.tier is null
  and w.area = '' and w.from_day <= {1} and (w.until_day is null or w.until_day >= {1})"""
VALUE = "coalesce(div({0}::numeric * w.per_fen, w.points), 0)::bigint"
_DAY = "(p.at at time zone %(zone)s)::date"
_VOUCHER_KINDS = "('voucher', 'trial_card', 'gift')"

# Redemptions of other kinds than vouchers with the posting that spent their points, and what the points were worth on that day.
# Of a bundle's points its voucher has its own part.
_SPENT = f"""from redemption r
  join posting p on p.member_id = r.member_id and (not r.held and p.seq = r.posting_seq
    or r.held and p.rev_of = r.posting_seq and p.kind = {int(Kind.CAPTURE)})
  join offer o on o.version_id = r.version_id join programme g on g.programme_id = o.programme_id
  {_RATE.format("o.programme_id", _DAY)}
  cross join lateral (select {VALUE.format("p.amount")} - coalesce((select sum(v.booked_fen - v.cash_fen) from voucher v
    where r.kind = 'bundle' and v.member_id = r.member_id and v.redemption_id = r.redemption_id), 0)::bigint as value) worth"""
_UNSPENT = (
    f"join posting q on q.member_id = p.member_id and q.rev_of = p.seq and q.kind = {int(Kind.REVERSE)}"
)
_CREDIT = """least(worth.value, r.value_fen) covered, greatest(r.value_fen - worth.value, 0) subsidy,
  greatest(worth.value - r.value_fen, 0) as margin"""
# Money of redemptions: what came for something other than a voucher, and what came for nothing.
_MONEY = """from cash_part c join redemption r on r.member_id = c.member_id and r.redemption_id = c.redemption_id
  join offer o on o.version_id = r.version_id"""
_OF_VOUCHER = """coalesce((select sum(v.cash_fen) from voucher v where v.member_id = c.member_id
  and v.redemption_id = c.redemption_id), 0)::bigint"""
_ENDED = "r.state in ('failed', 'cancelled', 'reversed')"
_GIVEN = """(c.paid_at is not null and exists (select from redemption_step t where t.member_id = r.member_id
  and t.redemption_id = r.redemption_id and t.state = 'fulfilled'))"""


def _breakage(cause: str) -> str:
    """What an estimate changes, dated at the end of its day."""
    at = "(r.on_day + 1)::timestamp at time zone %(zone)s - interval '1 microsecond'"
    key = _columns(
        at, "r.programme_id", "r.estimate_no::bigint", _NO_MERCHANT, "r.programme_id", _NO_BRAND, "g.currency"
    )
    sums = ", ".join(
        f"coalesce(sum(e.breakage_fen) filter (where e.estimate_no = r.estimate_no{less}), 0) {name}"
        for name, less in (("now", ""), ("before", " - 1"))
    )
    return (
        f"select {key}, (c.now - c.before)::bigint as change from breakage_run r join programme g on g.programme_id = r.programme_id "
        f"cross join lateral (select {sums} from breakage_estimate e where e.programme_id = r.programme_id "
        f"and e.estimate_no between r.estimate_no - 1 and r.estimate_no) c where r.cause = '{cause}'"
    )


def _redeemed(at: str, condition: str, amounts: str, more: str = "") -> str:
    key = _columns(
        at, "r.member_id", "r.redemption_id", _NO_MERCHANT, "o.programme_id", _NO_BRAND, "g.currency"
    )
    return f"select {key}, {amounts} {_SPENT} {more} where {condition}"


def _item(kind: str, amounts: str, joined: str = "", programme: str = _NO_PROGRAMME) -> str:
    key = _columns(
        "i.recorded_at",
        "i.merchant_id",
        "i.item_id",
        "i.merchant_id",
        programme,
        "coalesce(t.brand, '')",
        "h.currency",
    )
    return (
        f"select {key}, {amounts} from merchant_item i join merchant h on h.merchant_id = i.merchant_id {joined or _ITEM_BRAND} "
        f"where i.kind = '{kind}'"
    )


_ITEM_BRAND = """left join acceptance a on i.kind = 'adjustment' and a.member_id = i.member_id and a.acceptance_id = i.about_id
  left join terms t on t.terms_id = a.terms_id"""
_ACCEPTANCE = f"""join voucher v on v.member_id = a.member_id and v.voucher_id = a.voucher_id
  join offer o on o.version_id = v.version_id join terms t on t.terms_id = a.terms_id {_CASH_OF_USE}"""
_NET = "(i.owed_fen - i.fee_fen - i.vat_fen)"
_VOUCHER = _columns(
    "{at}", "v.member_id", "v.voucher_id", "v.merchant_id", "o.programme_id", _NO_BRAND, "g.currency"
)
_ACC = _columns("{at}", "{first}", "{second}", "a.merchant_id", _NO_PROGRAMME, "t.brand", "a.currency")
_CASH = _columns(
    "{at}", "c.member_id", "c.redemption_id", _NO_MERCHANT, _NO_PROGRAMME, _NO_BRAND, "c.currency"
)

# What members earned at a merchant: e is the earning. What no pack paid is owed, at the price of the terms.
_EARNED_WORTH = f"""join member m on m.member_id = e.member_id
  {_RATE.format("m.programme_id", "(e.recorded_at at time zone %(zone)s)::date")}
  cross join lateral (select {VALUE.format("e.points")} as value) worth
  cross join lateral (select div(worth.value::numeric * e.postpaid_points, e.points)::bigint owed) part
  cross join lateral (select coalesce(sum(div(k.price_fen::numeric * u.points, k.points)), 0)::bigint price from pack_use u
    join points_pack k on k.merchant_id = u.merchant_id and k.pack_id = u.pack_id
    where u.member_id = e.member_id and u.source_id = e.earning_id) pack"""
_EARNED_AMOUNTS = """part.owed owed_value, e.price_fen - part.owed owed_margin, worth.value - part.owed pack_value,
  pack.price - (worth.value - part.owed) pack_margin"""
# A payout's steps with the state before each.
_PAYOUT = f"""select {_columns("p.at", "p.merchant_id", "p.statement_no * 1000::bigint + p.step_no", "p.merchant_id", _NO_PROGRAMME, _NO_BRAND, "s.currency")},
  {{amounts}} from (select x.*, lag(x.state) over (partition by x.merchant_id, x.statement_no order by x.step_no) was from payout_step x) p
  join statement s on s.merchant_id = p.merchant_id and s.statement_no = p.statement_no where """
_RECOVERY = f"""select {_columns("{at}", "r.merchant_id", "r.recovery_id", "r.merchant_id", _NO_PROGRAMME, _NO_BRAND, "h.currency")}, r.amount_fen amount
  from recovery r join merchant h on h.merchant_id = r.merchant_id left join merchant_item i on i.merchant_id = r.merchant_id
  and i.item_id = r.item_id where """

SOURCES: tuple[Source, ...] = (
    Source("voucher-issued", "voucher", f"select {_VOUCHER.format(at='v.issued_at')}, {_PARTS.format('v')} from voucher v {_OFFER}", "vch"),
    Source("voucher-accepted", "acceptance", f"select {_ACC.format(at='a.recorded_at', first='a.member_id', second='a.acceptance_id')}, {_USE} "
        "from acceptance a join terms t on t.terms_id = a.terms_id", "acc"),
    Source("acceptance-voided", "void", f"select {_ACC.format(at='d.recorded_at', first='d.member_id', second='d.void_id')}, {_USE} "
        "from void d join acceptance a on a.member_id = d.member_id and a.acceptance_id = d.acceptance_id "
        "join terms t on t.terms_id = a.terms_id", "voi"),
    Source("voucher-cancelled", "voucher", f"select {_VOUCHER.format(at='v.cancelled_at')}, {_LEFT} from voucher v {_OFFER} "
        "where v.state = 'cancelled' and not exists (select from voucher_lapse l where l.member_id = v.member_id and l.voucher_id = v.voucher_id)", "vch"),
    Source("voucher-expired", "voucher_lapse", f"select {_VOUCHER.format(at='l.lapsed_at')}, {_PARTS.format('l')} from voucher_lapse l "
        f"join voucher v on v.member_id = l.member_id and v.voucher_id = l.voucher_id {_OFFER}", "vch"),
    Source("expired-voucher-cancelled", "voucher_lapse", f"select {_VOUCHER.format(at='v.cancelled_at')}, l.booked_fen - l.cash_fen points "
        f"from voucher_lapse l join voucher v on v.member_id = l.member_id and v.voucher_id = l.voucher_id {_OFFER} where v.state = 'cancelled'", "vch"),
    Source("bill-credited", "redemption", _redeemed("p.at", "r.kind = 'bill_credit'", _CREDIT), "red"),
    Source("bill-credit-reversed", "redemption", _redeemed("q.at", "r.kind = 'bill_credit'", _CREDIT, _UNSPENT), "red"),
    Source("benefit-given", "redemption", _redeemed("p.at", f"r.kind not in {_VOUCHER_KINDS} and r.kind <> 'bill_credit'", "worth.value"), "red"),
    Source("benefit-reversed", "redemption", _redeemed("q.at", f"r.kind not in {_VOUCHER_KINDS} and r.kind <> 'bill_credit'", "worth.value", _UNSPENT), "red"),
    Source("benefit-paid", "cash_part", f"select {_CASH.format(at='c.paid_at')}, c.amount_fen - {_OF_VOUCHER} cash {_MONEY} "
        f"where r.kind not in {_VOUCHER_KINDS} and {_GIVEN}", "red"),
    Source("benefit-refundable", "cash_part", f"select {_CASH.format(at='r.changed_at')}, c.amount_fen - {_OF_VOUCHER} cash {_MONEY} "
        f"where r.kind not in {_VOUCHER_KINDS} and {_GIVEN} and {_ENDED}", "red"),
    Source("payment-refundable", "cash_part", f"select {_CASH.format(at='coalesce(c.paid_at, c.gave_up_at, c.changed_at)')}, c.amount_fen cash {_MONEY} "
        f"where c.state in ('refund_due', 'refunded') and not {_GIVEN}", "red"),
    Source("refund-sent", "cash_part", f"select {_CASH.format(at='c.changed_at')}, c.amount_fen cash {_MONEY} where c.state = 'refunded'", "red"),
    Source("merchant-adjusted", "merchant_item", _item("adjustment", "(i.owed_fen - i.brand_fen) own, i.brand_fen brand_part, i.fee_fen fee, i.vat_fen vat")
        + " and not exists (select from recovery r where r.merchant_id = i.merchant_id and r.item_id = i.item_id)", "itm"),
    Source("clawed-back", "merchant_item", _item("clawback", _BACK,
        f"join acceptance a on a.member_id = i.member_id and a.acceptance_id = i.about_id {_ACCEPTANCE}", "o.programme_id"), "itm"),
    Source("dispute-opened", "merchant_item", _item("dispute-held", f"-{_NET} net"), "itm"),
    Source("dispute-for-merchant", "merchant_item", _item("dispute-released", f"{_NET} net"), "itm"),
    Source("dispute-for-member", "merchant_item",
        f"select {_columns('e.decided_at', 'e.member_id', 'e.dispute_id', 'e.merchant_id', 'o.programme_id', 't.brand', 'a.currency')}, {_BACK} "
        "from dispute e join merchant_item i on i.merchant_id = e.merchant_id and i.kind = 'dispute-held' and i.member_id = e.member_id and i.about_id = e.dispute_id "
        f"join acceptance a on a.member_id = e.member_id and a.acceptance_id = e.acceptance_id {_ACCEPTANCE} "
        "where e.verdict = 'member' and not exists (select from merchant_item y where y.merchant_id = i.merchant_id and y.kind = 'dispute-released' "
        "and y.member_id = i.member_id and y.about_id = i.about_id)", "dsp"),
    Source("reserve-in", "merchant_item", _item("reserve-in", f"-{_NET} amount"), "itm"),
    Source("reserve-out", "merchant_item", _item("reserve-out", f"{_NET} amount"), "itm"),
    Source("statement-sealed", "statement",
        f"select {_columns('s.sealed_at', 's.merchant_id', 's.statement_no::bigint', 's.merchant_id', _NO_PROGRAMME, _NO_BRAND, 's.currency')}, "
        "s.payable_fen payable, greatest(-s.carried_fen, 0) owing, greatest(-s.opening_fen, 0) netted from statement s", "stm"),
    Source("pack-bought", "points_pack", f"select {_columns('k.bought_at', 'k.merchant_id', 'k.pack_id', 'k.merchant_id', _NO_PROGRAMME, _NO_BRAND, 'h.currency')}, "
        "k.price_fen price from points_pack k join merchant h on h.merchant_id = k.merchant_id", "pck"),
    Source("merchant-points-issued", "merchant_earning",
        f"select {_columns('e.recorded_at', 'e.member_id', 'e.earning_id', 'e.merchant_id', 'm.programme_id', _NO_BRAND, 'e.currency')}, {_EARNED_AMOUNTS} "
        f"from merchant_earning e {_EARNED_WORTH}", "ern"),
    Source("merchant-points-reversed", "earning_reversal",
        f"select {_columns('d.recorded_at', 'd.member_id', 'd.reversal_id', 'd.merchant_id', 'm.programme_id', _NO_BRAND, 'e.currency')}, {_EARNED_AMOUNTS} "
        f"from earning_reversal d join merchant_earning e on e.member_id = d.member_id and e.earning_id = d.earning_id {_EARNED_WORTH}", "erv"),
    Source("payout-transferred", "payout_step", _PAYOUT.format(amounts="p.amount_fen amount") + "p.route = 'stripe' and p.state = 'sent'", "pay"),
    Source("payout-released", "payout_step", _PAYOUT.format(amounts="p.amount_fen amount") + "p.route = 'bank' and p.state = 'sent'", "pay"),
    Source("payout-confirmed", "payout_step", _PAYOUT.format(amounts="p.amount_fen amount, case when p.was = 'returned' then p.amount_fen else 0 end again")
        + "p.route = 'bank' and p.state = 'paid'", "pay"),
    Source("payout-returned", "payout_step", _PAYOUT.format(amounts="p.amount_fen amount, case when p.was = 'paid' then p.amount_fen else 0 end back")
        + "p.route = 'bank' and p.state = 'returned'", "pay"),
    Source("transfer-reversed", "recovery", _RECOVERY.format(at="i.recorded_at") + "r.step = 'reversal' and r.item_id is not null", "rcv"),
    Source("debt-invoiced", "recovery", _RECOVERY.format(at="i.recorded_at") + "r.step = 'invoice' and r.item_id is not null", "rcv"),
    Source("debt-paid", "recovery", _RECOVERY.format(at="r.changed_at") + "r.step = 'invoice' and r.state = 'done'", "rcv"),
    Source("debt-written-off", "recovery", _RECOVERY.format(at="r.at") + "r.step = 'write-off'", "rcv"),
    Source("breakage-expected", "breakage_run", _breakage("time"), "brk"),
    Source("breakage-restated", "breakage_run", _breakage("policy"), "brk"),
)  # fmt: skip
