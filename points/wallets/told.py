"""Where points came from, in words: the bill line, the bonus or the purchase behind an origin, in both languages."""

from points import explain
from points.explain import EN, ZH, Sentence
from points.wallets.traced import Bill, Origin


def what(origin: Origin) -> Sentence | None:
    """What brought the points; None: nothing but the posting itself, which its kind names."""
    if origin.bill is not None:
        return _bill(origin.bill)
    if origin.bonus is not None:
        return origin.bonus.origin()
    return explain.purchase(origin.ref)


def where(origin: Origin) -> Sentence:
    """The posting that brought them, and its day."""
    return {EN: f"movement {origin.seq} of {origin.day}", ZH: f"{origin.day} 第 {origin.seq} 笔"}


def _bill(bill: Bill) -> Sentence:
    said = {
        EN: f"bill {bill.bill_id} line {bill.line_no} of {bill.bill_day}",
        ZH: f"{bill.bill_day} 账单 {bill.bill_id} 第 {bill.line_no} 行",
    }
    if bill.correction_id:
        said[EN] += f", correction {bill.correction_id}"
        said[ZH] += f"，更正 {bill.correction_id}"
    return said
