"""The twin's pages: what it is, what it holds, and the buttons of the demo."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from tests.stripe_twin.core import PLATFORM
from tests.stripe_twin.payments import OPEN
from tests.stripe_twin.shapes import Thing
from tests.stripe_twin.twin import Twin

MOST = 20
WORDS = """<p><strong>This is not Stripe.</strong> It is a twin of a part of Stripe's API, written by us for tests and for the demo.
It listens on this machine only. No money moves here, and passing against it is not a test against Stripe: no live Stripe call
has been made.</p>"""
HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A twin, not Stripe</title><style>body{font:1rem/1.5 system-ui;max-width:60rem;margin:1rem auto;padding:0 1rem}
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{text-align:left;padding:.2rem .8rem .2rem 0;
vertical-align:top}form{display:inline}</style>"""


def index(twin: Twin) -> str:
    """All of it on one page."""
    with twin.lock:
        at = datetime.fromtimestamp(twin.now(), UTC)
        return "".join((
            HEAD, "<h1>A twin, not Stripe</h1>", WORDS,
            f"<p>Its clock says {at:%Y-%m-%d %H:%M} UTC. ", _button("/twin/clock", "A day later", advance_s=86_400),
            f" {len(twin.webhooks.waiting)} events wait to be sent.</p>",
            "<h2>Balances and accounts</h2>", _accounts(twin),
            "<h2>Transfers</h2>", _transfers(twin),
            "<h2>Payouts to banks</h2>", _payouts(twin),
            "<h2>Card payments that wait for a card</h2>", _payments(twin),
        ))  # fmt: skip


def onboarding(twin: Twin, account: str) -> str:
    """The form that stands where Stripe's would."""
    name = twin.get("account", account)["business_profile"]["name"] or account
    return (
        f"{HEAD}<h1>Onboarding of {escape(name)}</h1>{WORDS}<p>Stripe would ask for papers and a bank account here.</p>"
        '<form method="post"><button name="outcome" value="verified">Everything is in order</button> '
        '<button name="outcome" value="pending">Handed in, not checked yet</button></form>'
    )


def _accounts(twin: Twin) -> str:
    rows = [("the platform", _has(twin, PLATFORM), "", "")]
    for found in _latest(twin.all("account")):
        ident = found["id"]
        state = found["requirements"]["disabled_reason"] or (
            "active" if found["payouts_enabled"] else "no payouts"
        )
        buttons = _button(f"/twin/accounts/{ident}/onboard", "onboard") + _button(
            f"/twin/accounts/{ident}/restrict", "restrict"
        )
        rows.append((_named(found), _has(twin, ident), escape(state), buttons))
    return _table(("account", "available", "state", ""), rows)


def _named(found: Thing) -> str:
    return f"{escape(found['business_profile']['name'] or '')} {escape(found['id'])}"


def _has(twin: Twin, account: str) -> str:
    told = [_money(n, currency) for (whose, currency), n in twin.available.items() if whose == account]
    return ", ".join(told) or "nothing"


def _transfers(twin: Twin) -> str:
    rows = (
        (
            t["id"],
            _money(t["amount"], t["currency"]),
            _money(t["amount_reversed"], t["currency"]),
            t["destination"],
        )
        for t in _latest(twin.all("transfer"))
    )
    return _table(("transfer", "amount", "reversed", "to"), rows)


def _payouts(twin: Twin) -> str:
    every = [
        (account, each) for account in twin.all("account") for each in _latest(twin.all("payout", account))
    ]
    every.sort(key=lambda pair: -pair[1]["created"])
    rows = (
        (p["id"], _money(p["amount"], p["currency"]), p["status"], account,
         _button(f"/twin/payouts/{p['id']}/fail", "the bank sends it back", account=account)
         if p["status"] != "failed" else "")
        for account, p in every[:MOST]
    )  # fmt: skip
    return _table(("payout", "amount", "state", "of", ""), rows)


def _payments(twin: Twin) -> str:
    waiting = (each for each in twin.all("payment_intent").values() if each["status"] in OPEN)
    rows = (
        (
            p["id"],
            _money(p["amount"], p["currency"]),
            p["status"],
            _button(f"/twin/payments/{p['id']}/pay", "pay"),
        )
        for p in list(waiting)[-MOST:]
    )
    return _table(("payment", "amount", "state", ""), rows)


def _latest(kept: dict[str, Thing]) -> list[Thing]:
    return list(reversed(kept.values()))[:MOST]


def _money(amount: int, currency: str) -> str:
    return (
        f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d} {escape(currency.upper())}"
    )


def _button(path: str, words: str, **fields: object) -> str:
    told = {"of": "page", **fields}
    hidden = "".join(f'<input type="hidden" name="{k}" value="{escape(str(v))}">' for k, v in told.items())
    return f'<form method="post" action="{escape(path)}">{hidden}<button>{escape(words)}</button></form> '


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    head = "".join(f"<th>{each}</th>" for each in heads)
    return f"<table><tr>{head}</tr>{body}</table>" if body else "<p>None yet.</p>"
