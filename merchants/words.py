"""The words for what merchants are and have: stages, who has a ticket, conditions of a step, tills, terms, roles."""

from base.web.i18n import lazy_gettext as _

STAGES = {
    "invited": (_("Invited"), "wait"),
    "documents": (_("Documents handed in"), "wait"),
    "reviewed": (_("Reviewed"), "info"),
    "equipped": (_("Equipped"), "info"),
    "tried": (_("Tried"), "info"),
    "active": (_("Opened"), "ok"),
    "suspended": (_("Suspended"), "bad"),
    "leaving": (_("Leaving"), "wait"),
    "closed": (_("Closed"), "quiet"),
}
OWNERS = {"merchant": _("The merchant"), "operator": _("The operator"), "": _("Nobody")}
CONDITIONS = {
    "licence_number": _("Number of the business licence"),
    "legal_name": _("Legal name"),
    "tax_number": _("Tax number"),
    "contact": _("Contact: name, and phone or mail"),
    "payout_route": _("Where payouts go"),
    "invoice_regime": _("How invoices are written"),
    "review": _("Documents reviewed by two persons"),
    "outlet": _("An outlet"),
    "paired_till": _("A paired till"),
    "clerk": _("A clerk at the outlet with the till"),
    "trial": _("A trial at the till"),
    "terms": _("Terms in force, confirmed by the owner"),
}
LINES = {
    "carried-in": (_("Carried from the statement before"), "info"),
    "acceptance": (_("Acceptance"), "ok"),
    "void": (_("Undone"), "wait"),
    "earning": (_("Points issued"), "info"),
    "earning-reversal": (_("Points taken back"), "wait"),
    "adjustment": (_("Adjustment"), "info"),
    "clawback": (_("Clawback"), "bad"),
    "dispute-held": (_("Held for a dispute"), "bad"),
    "dispute-released": (_("Released after a dispute"), "ok"),
    "reserve-in": (_("Into reserve"), "wait"),
    "reserve-out": (_("Out of reserve"), "ok"),
}
TILLS = {
    "waiting": (_("Not paired yet"), "wait"),
    "paired": (_("Ready"), "ok"),
    "frozen": (_("Frozen"), "bad"),
    "revoked": (_("Revoked"), "quiet"),
}
TERMS = {
    "waiting": (_("Waits for the owner's confirmation"), "wait"),
    "later": (_("Begins later"), "info"),
    "in-force": (_("In force"), "ok"),
    "replaced": (_("Replaced"), "quiet"),
    "lapsed": (_("Not confirmed in time"), "bad"),
}
PACKS = {
    "later": (_("Begins later"), "info"),
    "running": (_("Running"), "ok"),
    "empty": (_("Used up"), "quiet"),
    "over": (_("Its last day has passed"), "quiet"),
}
CYCLES = {"daily": _("Each day"), "weekly": _("Each week"), "monthly": _("Each month")}
ISSUING_RULES = {
    "postpaid": _("Owed on the statement"),
    "warn": _("Owed on the statement, with an alert"),
    "stop": _("No points are given"),
}
ROLES = {
    "clerk": _("Clerk"),
    "manager": _("Manager of an outlet"),
    "finance": _("Finance"),
    "owner": _("Owner"),
}
TILL_KINDS = {"browser": _("Browser"), "pos": _("Cash-desk system"), "sandbox": _("For trying out")}
STATEMENTS = {
    "open": (_("Goes on"), "info"),
    "draft": (_("To look at"), "wait"),
}
MONEY = {
    "expected": (_("Expected"), "info"),
    "in-transit": (_("On its way"), "wait"),
    "on-hold": (_("On hold"), "bad"),
    "looked-into": (_("Being looked into"), "bad"),
    "paid": (_("Paid"), "ok"),
    "carried": (_("Carried to the next"), "quiet"),
}
HELD = {
    "no-route": _("no bank account or Stripe account is on file"),
    "route-changed": _("the account it is paid to was changed less than 48 hours before"),
    "account-restricted": _("Stripe does not let the account be paid"),
    "merchant-suspended": _("the merchant is suspended"),
    "leaving-owing": _("the merchant leaves and still owes something"),
    "invoice-missing": _("an invoice of the merchant is missing"),
    "stopped": _("a person stopped it"),
}
REGIMES = {
    "prepaid_ordinary": _("Ordinary invoice for the settled amount"),
    "fee_special": _("Special invoice for the fee"),
    "none": _("No invoices"),
}
PAYOUTS = {
    "planned": (_("Planned"), "info"),
    "approved": (_("Approved"), "info"),
    "sending": (_("Being sent"), "wait"),
    "sent": (_("Sent"), "wait"),
    "paid": (_("Paid"), "ok"),
    "on_hold": (_("On hold"), "wait"),
    "unknown": (_("Not known"), "bad"),
    "failed": (_("Failed"), "bad"),
    "returned": (_("Came back"), "bad"),
}
DISPUTES = {
    "open": (_("Being looked into"), "wait"),
    "decided": (_("Decision made"), "info"),
    "closed": (_("Closed"), "quiet"),
}
VERDICTS = {
    "member": _("The use does not stand; its amount stays off"),
    "merchant": _("The use stands; its amount was released"),
}
SIDES = {"member": _("The customer"), "merchant": _("The merchant")}
INVOICES = {
    "expected": (_("Awaited"), "info"),
    "received": (_("Received"), "ok"),
    "rejected": (_("Rejected"), "bad"),
    "missing": (_("Missing"), "bad"),
}
ISSUERS = {"merchant": _("From the merchant"), "operator": _("From the operator")}
INVOICE_KINDS = {"ordinary": _("Ordinary invoice"), "special": _("Special VAT invoice")}
CAMPAIGN_KINDS = {
    "voucher": (_("Plain voucher"), _("A voucher of yours at a face value, for everybody.")),
    "member_day": (_("Member day"), _("To be redeemed on certain weekdays or days of the month.")),
    "birthday": (_("Birthday"), _("For members in the month of their birthday.")),
    "holiday": (_("Holiday"), _("From one day to another: a festival, an anniversary.")),
}
CAMPAIGNS = {
    "draft": (_("Draft"), "quiet"),
    "sent_back": (_("Sent back"), "bad"),
    "handed_in": (_("Handed in"), "wait"),
    "in_work": (_("With the operator"), "wait"),
    "in_review": (_("In approval"), "wait"),
    "refused": (_("Not approved"), "bad"),
    "withdrawn": (_("Withdrawn"), "quiet"),
    "scheduled": (_("Begins later"), "info"),
    "live": (_("Running"), "ok"),
    "paused": (_("Paused"), "wait"),
    "ended": (_("Ended"), "quiet"),
}
CAMPAIGN_NEXT = {
    "draft": _("An owner hands it in; then the operator looks at it."),
    "sent_back": _("Change what the operator asks for, then hand it in again."),
    "handed_in": _("A person of the operator takes it over."),
    "in_work": _("A person of the operator completes it."),
    "in_review": _("Another person of the operator decides."),
    "refused": _("The operator may propose it once more; or change it and hand it in again."),
    "withdrawn": _("Nobody works on it any more. It can serve as the pattern of another one."),
    "scheduled": _("Approved: it begins by itself on its day."),
    "live": _("Members can redeem it now."),
    "paused": _("Nobody can redeem it now; vouchers that were redeemed stay valid."),
    "ended": _("Nobody can redeem it any more; vouchers that were redeemed stay valid."),
}
LIMIT_PERS = {"ever": _("in all"), "year": _("a year"), "month": _("a month"), "day": _("a day")}
WEEKDAYS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


def held(reasons: str) -> list[str]:
    """Why a payout is on hold, in words; a reason of another topic as it is called."""
    return [str(HELD.get(reason, reason)) for reason in reasons.split(", ") if reason]
