"""Automatic payouts of connected accounts: by the twin's clock, at midnight UTC of the days of their schedule."""

import calendar
from datetime import UTC, datetime

from tests.stripe_twin import connect_shapes
from tests.stripe_twin.core import DAY_S, PLATFORM, Call, Core, Params
from tests.stripe_twin.errors import invalid
from tests.stripe_twin.shapes import Thing

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NEEDS = {"daily": None, "manual": None, "weekly": "weekly_payout_days", "monthly": "monthly_payout_days"}
ARRIVES_AFTER_DAYS = 1
MOST_DAYS = 400  # that one leap of the clock makes good
FAILED = ("account_closed", "The bank account has been closed.")


# ---- the schedule


def schedule(twin: Core, account: str, asked: Params, *, anchors: bool = False) -> None:
    """When payouts are made. The Account says it with anchors (one day), Balance Settings with lists of days."""
    settings = twin.settings(account)
    wanted = dict(settings["payments"]["payouts"]["schedule"]) | _days(asked)
    interval = wanted["interval"]
    if interval not in NEEDS:
        raise invalid("parameter_invalid", "interval is daily, weekly, monthly or manual.", "interval")
    days = NEEDS[interval]
    if days and not wanted.get(days):
        raise invalid("parameter_missing", f"Missing required param: {days}.", days)
    made = {"interval": interval} | ({days: wanted[days]} if days else {})
    _check(made)
    settings["payments"]["payouts"]["schedule"] = made
    twin.change(settings, account)
    if account != PLATFORM:
        _mirror(twin, account, made, asked)


def _days(asked: Params) -> Params:
    found = {k: v for k, v in asked.items() if k in ("interval", *NEEDS.values())}
    for anchor, days in (("weekly_anchor", "weekly_payout_days"), ("monthly_anchor", "monthly_payout_days")):
        if anchor in asked:
            found[days] = [asked[anchor]]
    return found


def _check(made: Params) -> None:
    if set(made.get("weekly_payout_days", [])) - set(WEEKDAYS):
        raise invalid("parameter_invalid", "weekly_payout_days are monday to sunday.", "weekly_payout_days")
    if set(made.get("monthly_payout_days", [])) - set(range(1, 32)):
        raise invalid("parameter_invalid", "monthly_payout_days are 1 to 31.", "monthly_payout_days")


def _mirror(twin: Core, account: str, made: Params, asked: Params) -> None:
    found = twin.get("account", account)
    payouts = found["settings"]["payouts"]
    delay = asked.get("delay_days", payouts["schedule"]["delay_days"])
    shown = {"delay_days": delay, "interval": made["interval"]}
    for days, anchor in (("weekly_payout_days", "weekly_anchor"), ("monthly_payout_days", "monthly_anchor")):
        if days in made:
            shown |= {days: made[days], anchor: made[days][0]}
    payouts["schedule"] = shown
    twin.change(found)


def is_day(made: Params, at: int) -> bool:
    """Whether a payout is made on this day; the 31st is the last day of a shorter month."""
    day = datetime.fromtimestamp(at, UTC).date()
    if made["interval"] == "weekly":
        return WEEKDAYS[day.weekday()] in made["weekly_payout_days"]
    if made["interval"] == "monthly":
        last = calendar.monthrange(day.year, day.month)[1]
        return day.day in {min(each, last) for each in made["monthly_payout_days"]}
    return bool(made["interval"] == "daily")


def update_settings(twin: Core, call: Call) -> Thing:
    asked = call.params.get("payments", {})
    settings = twin.settings(call.account)
    payments = settings["payments"]
    if "schedule" in asked.get("payouts", {}):
        schedule(twin, call.account, asked["payouts"]["schedule"])
    if "statement_descriptor" in asked.get("payouts", {}):
        payments["payouts"]["statement_descriptor"] = asked["payouts"]["statement_descriptor"]
    if "debit_negative_balances" in asked:
        payments["debit_negative_balances"] = asked["debit_negative_balances"]
    twin.change(settings, call.account)
    shown = retrieve_settings(twin, call)
    twin.tell("balance_settings.updated", shown, call.account)
    return shown


def retrieve_settings(twin: Core, call: Call) -> Thing:
    settings = twin.settings(call.account)
    enabled = call.account != PLATFORM and twin.get("account", call.account)["payouts_enabled"]
    settings["payments"]["payouts"]["status"] = "enabled" if enabled else "disabled"
    return settings


# ---- what a midnight brings


def tick(twin: Core) -> None:
    """Every midnight that has passed: payouts arrive, money becomes available, payouts are made."""
    now = twin.now()
    today = now // DAY_S
    if twin.day is None:
        twin.day = today
    first = max(twin.day + 1, today - MOST_DAYS)
    try:
        for day in range(first, today + 1):
            twin._at = day * DAY_S
            _midnight(twin)
            twin.day = day
            twin.note({"day": day})
    finally:
        twin._at = None
    if twin.maturing:
        twin.mature()


def _midnight(twin: Core) -> None:
    for ident, account in list(twin.in_transit.items()):
        if twin.get("payout", ident, account)["arrival_date"] <= twin.now():
            _arrive(twin, account, ident)
    twin.mature()
    for found in twin.all("account").values():
        settings = twin.settings(found["id"])
        if found["payouts_enabled"] and is_day(settings["payments"]["payouts"]["schedule"], twin.now()):
            _pay_out(twin, found)


def _pay_out(twin: Core, found: Thing) -> None:
    account, bank = found["id"], found["external_accounts"]["data"][0]["id"]
    by_currency: dict[str, list[Thing]] = {}
    for txn in twin.unsettled[account].values():
        if txn["status"] == "available":
            by_currency.setdefault(txn["currency"], []).append(txn)
    for currency, txns in by_currency.items():
        if (amount := sum(txn["net"] for txn in txns)) > 0:
            arrival = twin.now() + ARRIVES_AFTER_DAYS * DAY_S
            made = connect_shapes.payout(twin.ident("po"), twin.now(), amount, currency, bank, arrival)
            made["balance_transaction"] = twin.move(account, made, -amount, "payout")
            settle(twin, account, made["id"], [*(txn["id"] for txn in txns), made["balance_transaction"]])
            twin.in_transit[made["id"]] = account
            twin.keep(made, account)
            twin.tell("payout.created", made, account)


def settle(twin: Core, account: str, payout: str, txns: list[str]) -> None:
    """These balance transactions are what the payout holds."""
    for txn in txns:
        twin.unsettled[account].pop(txn, None)
    twin.settled[payout] = txns
    twin.note({"settled": payout, "account": account, "txns": txns})


def _arrive(twin: Core, account: str, ident: str) -> None:
    if twin.fault("payouts", "payout_failed", account=account):
        fail(twin, account, ident)
        return
    del twin.in_transit[ident]
    found = twin.get("payout", ident, account)
    twin.change(found, account, status="paid", trace_id={"status": "supported", "value": f"TWIN{ident[-8:]}"})
    twin.tell("payout.paid", found, account)
    twin.change(found, account, reconciliation_status="completed")
    twin.tell("payout.reconciliation_completed", found, account)


def fail(twin: Core, account: str, ident: str) -> Thing:
    """The bank sends it back, on its way or after it was paid: the money is in the balance again, and payouts stop until there is another bank account."""
    found = twin.get("payout", ident, account)
    if found["status"] not in ("in_transit", "paid"):
        raise invalid(None, f"This payout is {found['status']}.")
    twin.in_transit.pop(ident, None)
    code, message = FAILED
    back = twin.move(account, found, found["amount"], "payout_failure")
    twin.change(
        found,
        account,
        status="failed",
        failure_code=code,
        failure_message=message,
        failure_balance_transaction=back,
        reconciliation_status="completed",
    )
    twin.tell("payout.failed", found, account)
    _stop(twin, account)
    return found


def _stop(twin: Core, account: str) -> None:
    found = twin.get("account", account)
    for bank in found["external_accounts"]["data"]:
        bank["status"] = "errored"
    missing = ["external_account"]
    twin.change(
        found,
        payouts_enabled=False,
        requirements=connect_shapes.requirements(
            currently_due=missing, past_due=missing, eventually_due=missing
        ),
    )
    twin.tell("account.updated", found, of=account)
