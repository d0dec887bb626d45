"""JSON of the books: the trial balance of a month. Money is whole fen, debits above zero."""

from datetime import date
from typing import Any

import marshmallow as ma

from admin.books import balances, rules
from admin.books.balances import Account, Balance
from base.http.api import Request, Text, View


class BooksQuery(Request):
    """Of one merchant alone; left out: of everybody together."""

    merchant = Text(load_default=None, most=64, metadata={"description": "the merchant's code"})


class FiguresOfAccountView(View):
    """What an account, or all of a currency, showed over the month."""

    currency = ma.fields.String()
    opening_fen = ma.fields.Integer()
    debits_fen = ma.fields.Integer()
    credits_fen = ma.fields.Integer()
    closing_fen = ma.fields.Integer(metadata={"description": "debits above zero"})


class AccountView(FiguresOfAccountView):
    """An account; those of merchants and brands together, unless one merchant was asked for."""

    account = ma.fields.String()
    kind = ma.fields.String(metadata={"description": "asset, liability, income or cost"})
    names = ma.fields.Dict()


class BooksView(View):
    """The trial balance of a month. Of everybody, opening and closing come to zero and debits are credits."""

    month = ma.fields.String()
    merchant = ma.fields.String(allow_none=True)
    first_day = ma.fields.Date()
    last_day = ma.fields.Date()
    documents = ma.fields.Integer(metadata={"description": "how many events were booked"})
    accounts = ma.fields.List(ma.fields.Nested(AccountView))
    totals = ma.fields.List(ma.fields.Nested(FiguresOfAccountView))


def books_view(
    month: str,
    merchant: str | None,
    days: tuple[date | None, date],
    documents: int,
    rows: list[tuple[Account, Balance]],
) -> dict[str, Any]:
    """The trial balance as BooksView."""
    return {
        "month": month,
        "merchant": merchant,
        "first_day": days[0],
        "last_day": days[1],
        "documents": documents,
        "accounts": [_account(account, balance) for account, balance in rows],
        "totals": balances.totals(rows),
    }


def _account(account: Account, balance: Balance) -> dict[str, Any]:
    kind, en, zh = rules.account(account.name)
    said = {
        "account": account.name,
        "currency": account.currency,
        "kind": kind,
        "names": {"en": en, "zh-CN": zh},
    }
    return said | balance.to_json()
