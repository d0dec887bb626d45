"""Connected accounts: made, onboarded over a link, restricted and let go again."""

import secrets

from tests.stripe_twin import connect_shapes, payouts
from tests.stripe_twin.core import PLATFORM, Call, Core, Params
from tests.stripe_twin.errors import Refusal, invalid
from tests.stripe_twin.shapes import Thing

LINK_LIVES_S = 300
CURRENCIES = {"CN": "cny", "HK": "hkd", "SG": "sgd", "US": "usd", "GB": "gbp", "JP": "jpy"}
KINDS = ("account_onboarding", "account_update")


def create(twin: Core, call: Call) -> Thing:
    country = call.params.get("country", "HK").upper()
    made = connect_shapes.account(
        twin.ident("acct"),
        twin.now(),
        country=country,
        default_currency=call.params.get("default_currency") or CURRENCIES.get(country, "usd"),
        type=call.params.get("type", "express"),
    )
    twin.keep(made)
    twin.keep(connect_shapes.balance_settings("daily"), made["id"])
    _write(twin, made, call.params)
    told(twin, made)
    return made


def update(twin: Core, call: Call) -> Thing:
    found = twin.get("account", call.ids[0])
    _write(twin, found, call.params)
    told(twin, found)
    return found


def own(twin: Core, call: Call) -> Thing:
    """The account that asks: the connected one of the header, or the platform's."""
    if call.account != PLATFORM:
        return twin.get("account", call.account)
    return connect_shapes.account(
        "acct_twinplatform",
        0,
        charges_enabled=True,
        details_submitted=True,
        payouts_enabled=True,
        type="standard",
        requirements=connect_shapes.requirements(),
    )


def _write(twin: Core, found: Thing, params: Params) -> None:
    for name in ("business_type", "email"):
        if name in params:
            found[name] = params[name]
    for name in ("business_profile", "controller", "tos_acceptance"):
        found[name] = found[name] | params.get(name, {})
    found["metadata"] = merged(found["metadata"], params)
    for name, asked in params.get("capabilities", {}).items():
        if asked["requested"]:
            found["capabilities"].setdefault(name, "active" if _is_whole(found) else "inactive")
        else:
            found["capabilities"].pop(name, None)
    asked = params.get("settings", {}).get("payouts", {})
    if "schedule" in asked:
        payouts.schedule(twin, found["id"], asked["schedule"], anchors=True)
    if "external_account" in params:
        _bank(twin, found, params["external_account"])
    if not found["details_submitted"]:
        found["requirements"] = connect_shapes.due(_lacking(found))
    twin.change(found)


def _lacking(found: Thing) -> list[str]:
    """What an account that is not onboarded has yet to tell."""
    agreed = found["tos_acceptance"]
    told = {
        "business_profile.url": found["business_profile"]["url"],
        "external_account": found["external_accounts"]["data"],
        "tos_acceptance.date": agreed["date"],
        "tos_acceptance.ip": agreed["ip"],
    }
    return [name for name, value in told.items() if not value]


def merged(metadata: Thing, params: Params) -> Thing:
    """Stripe's metadata: keys are added, an empty value takes one out, an empty string takes all."""
    if params.get("metadata", {}) == "":
        return {}
    return {k: v for k, v in (metadata | params.get("metadata", {})).items() if v != ""}


def _bank(twin: Core, found: Thing, given: Params | str) -> None:
    if isinstance(given, str):
        given = Params(account_number=given)  # a token made in the browser, such as btok_us
    number = str(given.get("account_number", ""))
    if len(number) < 4:
        raise invalid("account_number_invalid", "The bank account number is not valid.", "external_account")
    currency = given.get("currency", found["default_currency"])
    bank = connect_shapes.bank_account(
        twin.ident("ba"),
        given.get("country", found["country"]),
        currency,
        number,
        given.get("account_holder_name"),
    )
    found["external_accounts"]["data"] = [bank]
    if _is_whole(found):
        found["payouts_enabled"] = True
        found["requirements"] = connect_shapes.requirements()


def _is_whole(found: Thing) -> bool:
    """Onboarded, and not restricted for more than a missing bank account."""
    return bool(found["details_submitted"] and found["charges_enabled"])


def told(twin: Core, found: Thing) -> None:
    twin.tell("account.updated", found, of=found["id"])


# ---- onboarding


def link(twin: Core, call: Call) -> Thing:
    params = call.params
    found = twin.named("account", "account", params["account"])
    if params["type"] not in KINDS:
        raise invalid("parameter_invalid", f"Invalid type: must be one of {', '.join(KINDS)}", "type")
    token = secrets.token_urlsafe(16)
    twin.links[token] = {
        "account": found["id"],
        "return_url": params.get("return_url"),
        "refresh_url": params.get("refresh_url"),
        "expires_at": twin.now() + LINK_LIVES_S,
    }
    return connect_shapes.account_link(
        twin.now(), twin.now() + LINK_LIVES_S, f"{twin.address}/twin/onboarding/{token}"
    )


def onboard(twin: Core, ident: str, *, verified: bool = True) -> Thing:
    """The merchant has filled in the form; unless `verified` Stripe is still looking at it."""
    found = twin.get("account", ident)
    state = "active" if verified else "pending"
    found["capabilities"] = dict.fromkeys(found["capabilities"] or ["transfers"], state)
    if not found["external_accounts"]["data"]:
        _bank(twin, found, {"account_number": "000123456789"})
    for bank in found["external_accounts"]["data"]:
        bank["status"] = "new"
    found["tos_acceptance"] |= {"date": twin.now(), "ip": "127.0.0.1"}
    pending = [] if verified else ["business_profile.url"]
    reason = None if verified else "requirements.pending_verification"
    twin.change(
        found,
        details_submitted=True,
        charges_enabled=verified,
        payouts_enabled=verified,
        requirements=connect_shapes.requirements(pending_verification=pending, disabled_reason=reason),
    )
    told(twin, found)
    return found


def restrict(twin: Core, ident: str, reason: str = "requirements.past_due") -> Thing:
    """Stripe wants more to be told: nothing comes in or goes out until then."""
    found = twin.get("account", ident)
    missing = ["business_profile.product_description"]
    twin.change(
        found,
        capabilities=dict.fromkeys(found["capabilities"], "inactive"),
        charges_enabled=False,
        payouts_enabled=False,
        requirements=connect_shapes.requirements(
            currently_due=missing, past_due=missing, eventually_due=missing, disabled_reason=reason
        ),
    )
    told(twin, found)
    return found


def may_receive(found: Thing) -> None:
    """Refusal unless transfers to it are allowed."""
    if found["capabilities"].get("transfers") != "active":
        raise restricted()


def restricted() -> Refusal:
    return invalid(
        "insufficient_capabilities_for_transfer",
        "The destination account does not have the capability transfers.",
        "destination",
    )
