"""The one table of rules: which accounts an event debits and credits. Nothing else in the product knows an account.

A move is (debit, credit, amount): so many fen of the event's amount of that name. An amount below zero moves the same the other
way. Every move is balanced by itself, so every event is, and every sum of events. `:m`: an account for each merchant, `:b`: for
each brand. docs/settlement.md shows this table; a test holds the two together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Move(NamedTuple):
    """So many fen from the credited to the debited account."""

    debit: str
    credit: str
    amount: str


class Line(NamedTuple):
    """A move of an event with its amount, always above zero."""

    debit: str
    credit: str
    fen: int


@dataclass(frozen=True)
class Rule:
    """What an event is called, and what it moves."""

    event: str
    en: str
    zh: str
    moves: tuple[Move, ...]

    @property
    def amounts(self) -> tuple[str, ...]:
        """The names of the amounts that a fact of this event must give, in order."""
        return tuple(dict.fromkeys(move.amount for move in self.moves))


ASSET, LIABILITY, INCOME, COST = "asset", "liability", "income", "cost"
# account: (what it is, English, Chinese); those of one merchant or brand with what follows the colon.
ACCOUNTS: dict[str, tuple[str, str, str]] = {
    "stripe_clearing": (ASSET, "Card payments under way", "在途银行卡款"),
    "stripe_balance": (ASSET, "Balance at Stripe", "Stripe 余额"),
    "bank": (ASSET, "Bank", "银行存款"),
    "bank_in_transit": (ASSET, "On the way to merchants' banks", "在途付款"),
    "brand_due:b": (ASSET, "Owed by brands", "应收品牌款"),
    "receivable:m": (ASSET, "Owed by merchants", "应收商户款"),
    "points_liability": (LIABILITY, "Points", "积分负债"),
    "breakage_expected": (LIABILITY, "Expected breakage, against points", "预计不兑换积分（积分负债备抵）"),
    "voucher_liability": (LIABILITY, "Vouchers", "券负债"),
    "payable_open:m": (LIABILITY, "Owed to merchants, not sealed", "应付商户（未结账）"),
    "payable_due:m": (LIABILITY, "Owed to merchants, sealed", "应付商户（已结账）"),
    "pack:m": (LIABILITY, "Packs of points bought by merchants", "商户预购积分包"),
    "reserve:m": (LIABILITY, "Reserves of merchants", "商户保证金"),
    "dispute_hold:m": (LIABILITY, "Held for disputes", "争议冻结款"),
    "refund_due": (LIABILITY, "Money owed back to members", "应退会员现金"),
    "subscriber_receivable": (LIABILITY, "Credited on phone bills", "话费抵扣"),
    "benefits_due": (LIABILITY, "Other benefits given", "其他权益应付"),
    "output_vat": (LIABILITY, "Tax on fees", "销项税额"),
    "fee_income": (INCOME, "Fees", "手续费收入"),
    "issuing_income": (INCOME, "Margin on points issued at merchants", "商户发放积分差价收入"),
    "programme_margin": (INCOME, "Margin on redemptions", "兑换差价收入"),
    "breakage_income": (INCOME, "Breakage", "未兑换收入"),
    "reward_cost": (COST, "Cost of points", "积分成本"),
    "adjustment_cost": (COST, "Points given by hand", "人工调整积分成本"),
    "promo_subsidy": (COST, "Subsidy of redemptions", "兑换补贴"),
    "psp_fee": (COST, "Fees of card payments", "支付手续费"),
    "bad_debt": (COST, "Bad debt", "坏账"),
    "merchant_adjustment": (COST, "Adjustments of merchants", "商户调整"),
}

POINTS, VOUCHERS, OPEN, DUE = "points_liability", "voucher_liability", "payable_open:m", "payable_due:m"


def _mirror(moves: tuple[Move, ...]) -> tuple[Move, ...]:
    return tuple(Move(move.credit, move.debit, move.amount) for move in moves)


def _given_back(account: str) -> tuple[Move, ...]:
    """A use taken back from a merchant although it stood: to the member what was booked, to the others what they bore."""
    return (
        Move(account, POINTS, "points"),
        Move(account, "refund_due", "cash"),
        Move(account, "promo_subsidy", "subsidy"),
        Move("programme_margin", account, "margin"),
        Move(account, "brand_due:b", "brand_part"),
        Move("fee_income", account, "fee"),
        Move("output_vat", account, "vat"),
    )


_ACCEPTED = (
    Move(VOUCHERS, OPEN, "covered"),
    Move("promo_subsidy", OPEN, "subsidy"),
    Move(VOUCHERS, "programme_margin", "margin"),
    Move("brand_due:b", OPEN, "brand_part"),
    Move(OPEN, "fee_income", "fee"),
    Move(OPEN, "output_vat", "vat"),
)
_BILL_CREDIT = (
    Move(POINTS, "subscriber_receivable", "covered"),
    Move("promo_subsidy", "subscriber_receivable", "subsidy"),
    Move(POINTS, "programme_margin", "margin"),
)
_OTHER = (Move(POINTS, "benefits_due", "value"),)
_ISSUED_THERE = (
    Move(OPEN, POINTS, "owed_value"),
    Move(OPEN, "issuing_income", "owed_margin"),
    Move("pack:m", POINTS, "pack_value"),
    Move("pack:m", "issuing_income", "pack_margin"),
)
_HELD = (Move(OPEN, "dispute_hold:m", "net"),)
_RESERVED = (Move(OPEN, "reserve:m", "amount"),)
_EARNED = (Move("reward_cost", POINTS, "value"),)
_ADJUSTED = (Move("adjustment_cost", POINTS, "value"),)
_LAPSED = (Move(POINTS, "breakage_income", "value"),)
_BREAKAGE = (Move("breakage_expected", "breakage_income", "change"),)

RULES: dict[str, Rule] = {
    rule.event: rule
    for rule in (
        Rule("points-earned", "Points earned", "获得积分", _EARNED),
        Rule("points-unearned", "Points taken back", "扣回积分", _mirror(_EARNED)),
        Rule("points-added", "Points given by hand", "人工增加积分", _ADJUSTED),
        Rule("points-removed", "Points taken by hand", "人工扣减积分", _mirror(_ADJUSTED)),
        Rule("points-lapsed", "Points lapsed", "积分到期", _LAPSED),
        Rule("points-restored", "Lapsed points restored", "恢复到期积分", _mirror(_LAPSED)),
        Rule("points-spent", "Points spent in another system", "其他系统使用积分", _OTHER),
        Rule("points-unspent", "Points spent in another system, undone", "撤销其他系统使用积分", _mirror(_OTHER)),
        Rule("points-trued-up", "Points trued up to the day's value", "积分按当日价值调整", (Move("reward_cost", POINTS, "difference"),)),
        Rule("breakage-expected", "Breakage expected", "预计不兑换", _BREAKAGE),
        Rule("breakage-restated", "Breakage restated after a change of policy", "政策变更后重述预计不兑换", _BREAKAGE),
        Rule("pack-bought", "Pack of points bought by a merchant", "商户购买积分包", (Move("bank", "pack:m", "price"),)),
        Rule("merchant-points-issued", "Points earned at a merchant", "商户发放积分", _ISSUED_THERE),
        Rule("merchant-points-reversed", "Points earned at a merchant, undone", "撤销商户发放积分", _mirror(_ISSUED_THERE)),
        Rule("voucher-issued", "Voucher issued", "发券", (Move(POINTS, VOUCHERS, "points"), Move("stripe_clearing", VOUCHERS, "cash"))),
        Rule("voucher-accepted", "Voucher accepted", "券核销", _ACCEPTED),
        Rule("acceptance-voided", "Acceptance voided", "撤销核销", _mirror(_ACCEPTED)),
        Rule("voucher-cancelled", "Voucher cancelled", "券取消", (Move(VOUCHERS, POINTS, "points"), Move(VOUCHERS, "refund_due", "cash"))),
        Rule("voucher-expired", "Voucher expired", "券到期", (Move(VOUCHERS, "breakage_income", "points"), Move(VOUCHERS, "refund_due", "cash"))),
        Rule("expired-voucher-cancelled", "Expired voucher cancelled for its member", "到期券改为取消", (Move("breakage_income", POINTS, "points"),)),
        Rule("bill-credited", "Bill credit given", "话费抵扣", _BILL_CREDIT),
        Rule("bill-credit-reversed", "Bill credit reversed", "话费抵扣冲正", _mirror(_BILL_CREDIT)),
        Rule("benefit-given", "Other benefit given", "发放其他权益", _OTHER),
        Rule("benefit-reversed", "Other benefit reversed", "其他权益冲正", _mirror(_OTHER)),
        Rule("benefit-paid", "Money paid for another benefit", "其他权益现金部分", (Move("stripe_clearing", "benefits_due", "cash"),)),
        Rule("benefit-refundable", "Money of another benefit owed back", "其他权益现金应退", (Move("benefits_due", "refund_due", "cash"),)),
        Rule("payment-refundable", "Money came for nothing given", "未交付的付款应退", (Move("stripe_clearing", "refund_due", "cash"),)),
        Rule("payment-available", "Card payment available", "银行卡款到账", (
            Move("stripe_balance", "stripe_clearing", "net"), Move("psp_fee", "stripe_clearing", "fee"))),
        Rule("refund-sent", "Refund sent", "退款", (Move("refund_due", "stripe_balance", "cash"),)),
        Rule("merchant-adjusted", "Adjustment of a merchant", "商户调整", (
            Move("merchant_adjustment", OPEN, "own"), Move("brand_due:b", OPEN, "brand_part"), Move(OPEN, "fee_income", "fee"), Move(OPEN, "output_vat", "vat"))),
        Rule("clawed-back", "Use taken back from the merchant", "追回核销款", _given_back(OPEN)),
        Rule("dispute-opened", "Held for a dispute", "争议冻结", _HELD),
        Rule("dispute-for-merchant", "Dispute decided for the merchant", "争议裁定商户", _mirror(_HELD)),
        Rule("dispute-for-member", "Dispute decided for the member", "争议裁定会员", _given_back("dispute_hold:m")),
        Rule("reserve-in", "Kept in reserve", "计提保证金", _RESERVED),
        Rule("reserve-out", "Let out of the reserve", "释放保证金", _mirror(_RESERVED)),
        Rule("statement-sealed", "Statement sealed", "结算单封账", (
            Move(OPEN, DUE, "payable"), Move("receivable:m", OPEN, "owing"), Move(OPEN, "receivable:m", "netted"))),
        Rule("payout-transferred", "Paid by transfer at Stripe", "Stripe 转账付款", (Move(DUE, "stripe_balance", "amount"),)),
        Rule("payout-released", "Paid by a bank's file", "银行文件付款", (Move(DUE, "bank_in_transit", "amount"),)),
        Rule("payout-confirmed", "Confirmed by the bank", "银行确认付款", (Move("bank_in_transit", "bank", "amount"), Move(DUE, "bank_in_transit", "again"))),
        Rule("payout-returned", "Sent back by the bank", "银行退回付款", (Move("bank_in_transit", DUE, "amount"), Move("bank", "bank_in_transit", "back"))),
        Rule("transfer-reversed", "Transfer reversed for a debt", "转账撤回抵欠款", (
            Move("stripe_balance", "receivable:m", "amount"), Move("receivable:m", OPEN, "amount"))),
        Rule("debt-invoiced", "Debt invoiced", "欠款开具账单", (Move("receivable:m", OPEN, "amount"),)),
        Rule("debt-paid", "Invoice of a debt paid", "欠款账单付清", (Move("bank", "receivable:m", "amount"),)),
        Rule("debt-written-off", "Debt written off", "欠款核销坏账", (Move("bad_debt", "receivable:m", "amount"),)),
    )
}  # fmt: skip


def lines(event: str, amounts: Mapping[str, int], merchant: str = "", brand: str = "") -> Iterator[Line]:
    """The lines of an event; `merchant` and `brand` name the accounts with :m and :b."""
    for debit, credit, name in RULES[event].moves:
        fen = amounts[name]
        if fen:
            pair = (named(debit, merchant, brand), named(credit, merchant, brand))
            yield Line(*(pair if fen > 0 else pair[::-1]), abs(fen))


def account(name: str) -> tuple[str, str, str]:
    """What an account is, and its name in English and Chinese; of a merchant's or brand's that of all of them."""
    stem = name.split(":")[0]
    return next(said for one, said in ACCOUNTS.items() if one.split(":")[0] == stem)


def named(account: str, merchant: str, brand: str) -> str:
    """The account of a merchant or a brand; any other as it is."""
    return account.removesuffix(":m") + f":{merchant}" if account.endswith(":m") else (
        account.removesuffix(":b") + f":{brand}" if account.endswith(":b") else account
    )  # fmt: skip
