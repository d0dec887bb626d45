"""The table of docs/settlement.md as the rules say it."""

from admin.books.rules import RULES, Rule


def table() -> str:
    """Every event with what it debits, credits and how much."""
    head = "| event | | Dr | Cr | amount |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(_rows(rule) for rule in RULES.values())


def _rows(rule: Rule) -> str:
    names = [(f"`{rule.event}`", rule.en), *[("", "")] * (len(rule.moves) - 1)]
    return "".join(
        f"| {event} | {said} | {move.debit} | {move.credit} | {move.amount.replace('_', ' ')} |\n"
        for (event, said), move in zip(names, rule.moves, strict=True)
    )
