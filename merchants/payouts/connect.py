"""What is asked of Stripe Connect: accounts and their onboarding, transfers and reversals, balances, payouts to banks.

Separate charges and transfers: the money of a statement goes by one transfer, found again by its group `stmt:{public id}`.
Nothing here touches the database.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from base.config import Config
from base.money import MAX_FEN
from merchants.payouts.stripe import NotDone, asked, client, sure, text, whole

INSUFFICIENT = "balance_insufficient"
PENDING, IN_TRANSIT, PAID, FAILED, CANCELED = "pending", "in_transit", "paid", "failed", "canceled"
RANK = {PENDING: 1, IN_TRANSIT: 2, PAID: 3, FAILED: 5, CANCELED: 5}  # a payout only ever goes up
RECONCILED = 1  # more, once its balance transactions are known
PAYMENT, PAYOUT_FAILURE = "payment", "payout_failure"
MOST_PAGES = 200
SCHEDULE = {"interval": "weekly", "weekly_anchor": "friday"}


@dataclass(frozen=True)
class Order:
    """The money of a statement to be sent: `statement` is its public id, `sha256` its seal."""

    statement: str
    version: int
    amount_fen: int
    currency: str  # ISO 4217
    account: str
    sha256: str

    def __post_init__(self) -> None:
        if not 0 < self.amount_fen <= MAX_FEN or not self.account:
            raise ValueError("a transfer needs an amount and an account")

    @property
    def group(self) -> str:
        return f"stmt:{self.statement}"

    @property
    def key(self) -> str:
        """The same for every try of a version."""
        return f"stmt:{self.statement}:v{self.version}:transfer"


@dataclass(frozen=True)
class Transfer:
    """A transfer as Stripe tells it; `payment` is what it became in the merchant's account."""

    transfer: str
    payment: str
    statement: str
    amount_fen: int
    reversed_fen: int
    currency: str
    account: str

    def is_of(self, order: Order) -> bool:
        """Whether it is what we asked for."""
        told = (self.statement, self.amount_fen, self.currency, self.account)
        return told == (order.statement, order.amount_fen, order.currency, order.account)


@dataclass(frozen=True)
class Reversal:
    """A reversal of a transfer, and which recovery of ours it belongs to."""

    reversal: str
    recovery: str
    amount_fen: int


@dataclass(frozen=True)
class Account:
    """A connected account: whether transfers reach it and payouts leave it, and what Stripe wants to be told."""

    account: str
    submitted: bool
    transfers: bool
    payouts: bool
    needs: str


@dataclass(frozen=True)
class BankPayout:
    """A payout of a connected account to its bank."""

    bank_payout: str
    amount_fen: int
    currency: str
    state: str
    reconciled: bool
    arrival_day: date
    failure: str

    @property
    def rank(self) -> int:
        """How far it is: larger is later, whatever order it is told in."""
        return 2 * RANK.get(self.state, 0) + (RECONCILED if self.reconciled else 0)


# ---- transfers


def transfer(config: Config, order: Order) -> Transfer | NotDone:
    """Send a statement's money: the first call makes the transfer, each later one of 24 hours finds the same."""
    params: Any = {
        "amount": order.amount_fen,
        "currency": order.currency.lower(),
        "destination": order.account,
        "transfer_group": order.group,
        "metadata": {"statement": order.statement, "sha256": order.sha256, "version": str(order.version)},
    }
    key: Any = {"idempotency_key": order.key}
    return asked(
        "transfer", order.statement, lambda: _transfer(client(config).v1.transfers.create(params, key))
    )


def of_group(config: Config, group: str) -> list[Transfer] | NotDone:
    """Every transfer of a group."""
    query: Any = {"transfer_group": group}
    return asked(
        "list_transfers", group, lambda: [_transfer(t) for t in _all(client(config).v1.transfers, query)]
    )


def look_transfer(config: Config, transfer_id: str) -> Transfer | NotDone:
    """The transfer as it is now."""
    return asked(
        "look_transfer", transfer_id, lambda: _transfer(client(config).v1.transfers.retrieve(transfer_id))
    )


def reverse(config: Config, transfer_id: str, amount_fen: int, recovery: str) -> Reversal | NotDone:
    """Take a part of a transfer back out of the merchant's balance; its key is the recovery's."""
    params: Any = {"amount": amount_fen, "metadata": {"recovery": recovery}}
    key: Any = {"idempotency_key": f"rcv:{recovery}:reversal"}
    return asked(
        "reverse",
        recovery,
        lambda: _reversal(client(config).v1.transfers.reversals.create(transfer_id, params, key)),
    )


def reversals_of(config: Config, transfer_id: str) -> list[Reversal] | NotDone:
    """Every reversal of a transfer."""

    def call() -> list[Reversal]:
        found = client(config).v1.transfers.reversals.list(transfer_id, {"limit": 100})
        return [_reversal(each) for each in found.data]

    return asked("list_reversals", transfer_id, call)


# ---- accounts


def create_account(config: Config, merchant: str, country: str, currency: str) -> Account | NotDone:
    """A connected account for a merchant, whose form Stripe shows; once for a merchant's public id."""
    params: Any = {
        "type": "express",
        "country": country,
        "default_currency": currency.lower(),
        "capabilities": {"transfers": {"requested": True}},
        "settings": {"payouts": {"schedule": SCHEDULE}},
        "metadata": {"merchant": merchant},
    }
    key: Any = {"idempotency_key": f"mer:{merchant}:account"}
    return asked("create_account", merchant, lambda: _account(client(config).v1.accounts.create(params, key)))


def look_account(config: Config, account: str) -> Account | NotDone:
    """The account as it is now."""
    return asked("look_account", account, lambda: _account(client(config).v1.accounts.retrieve(account)))


def onboarding_link(config: Config, account: str, back: str) -> str | NotDone:
    """Where the merchant fills in Stripe's form; good for minutes, to be shown to its owner alone."""
    params: Any = {
        "account": account,
        "type": "account_onboarding",
        "refresh_url": back,
        "return_url": back,
    }
    return asked(
        "account_link",
        account,
        lambda: sure(client(config).v1.account_links.create(params).to_dict()["url"]),
    )


def available_fen(config: Config, account: str, currency: str) -> int | NotDone:
    """What the merchant has at Stripe, not paid out yet."""

    def call() -> int:
        told = client(config).v1.balance.retrieve({}, {"stripe_account": account}).to_dict()
        return sum(whole(one["amount"]) for one in told["available"] if one["currency"] == currency.lower())

    return asked("balance", account, call)


# ---- payouts to banks


def look_payout(config: Config, account: str, bank_payout: str) -> BankPayout | NotDone:
    """A payout as it is now."""
    options: Any = {"stripe_account": account}
    return asked(
        "look_payout",
        bank_payout,
        lambda: _bank_payout(client(config).v1.payouts.retrieve(bank_payout, {}, options)),
    )


def payouts_since(config: Config, account: str, since: datetime) -> list[BankPayout] | NotDone:
    """Payouts that were made since a moment."""
    query: Any = {"created": {"gte": int(since.timestamp())}}
    return asked(
        "list_payouts",
        account,
        lambda: [_bank_payout(p) for p in _all(client(config).v1.payouts, query, account)],
    )


def held_in(config: Config, account: str, bank_payout: str) -> list[tuple[str, str]] | NotDone:
    """What a payout holds: type and source of each of its balance transactions."""
    query: Any = {"payout": bank_payout}

    def call() -> list[tuple[str, str]]:
        found = (each.to_dict() for each in _all(client(config).v1.balance_transactions, query, account))
        return [(sure(each["type"]), text(each.get("source")) or "") for each in found]

    return asked("list_transactions", bank_payout, call)


# ---- what an answer tells


def _all(listed: Any, query: dict[str, Any], account: str = "") -> Iterator[Any]:
    """Every object of a list, page by page: one request each."""
    after: dict[str, Any] = {}
    options: Any = {"stripe_account": account} if account else {}
    for _ in range(MOST_PAGES):
        page = listed.list(query | {"limit": 100} | after, options)
        yield from page.data
        if not page.has_more or not page.data:
            return
        after = {"starting_after": page.data[-1].id}
    raise TypeError  # too long a list to be believed whole


def _transfer(told: Any) -> Transfer:
    values = told.to_dict()
    return Transfer(
        transfer=sure(values["id"]),
        payment=text(values.get("destination_payment")) or "",
        statement=text(values["metadata"].get("statement")) or "",
        amount_fen=whole(values["amount"]),
        reversed_fen=whole(values["amount_reversed"]),
        currency=sure(values["currency"]).upper(),
        account=sure(values["destination"]),
    )


def _reversal(told: Any) -> Reversal:
    values = told.to_dict()
    recovery = text((values["metadata"] or {}).get("recovery")) or ""
    return Reversal(sure(values["id"]), recovery, whole(values["amount"]))


def _account(told: Any) -> Account:
    values = told.to_dict()
    wanted = values.get("requirements") or {}
    needs = [*(wanted.get("past_due") or []), *(wanted.get("currently_due") or [])]
    return Account(
        account=sure(values["id"]),
        submitted=values["details_submitted"] is True,
        transfers=(values.get("capabilities") or {}).get("transfers") == "active",
        payouts=values["payouts_enabled"] is True,
        needs=", ".join(dict.fromkeys(str(each) for each in needs))[:500],
    )


def _bank_payout(told: Any) -> BankPayout:
    values = told.to_dict()
    return BankPayout(
        bank_payout=sure(values["id"]),
        amount_fen=whole(values["amount"]),
        currency=sure(values["currency"]).upper(),
        state=sure(values["status"]),
        reconciled=values.get("reconciliation_status") == "completed",
        arrival_day=datetime.fromtimestamp(whole(values["arrival_date"]), UTC).date(),
        failure=text(values.get("failure_code")) or "",
    )
