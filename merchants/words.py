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
ROLES = {
    "clerk": _("Clerk"),
    "manager": _("Manager of an outlet"),
    "finance": _("Finance"),
    "owner": _("Owner"),
}
TILL_KINDS = {"browser": _("Browser"), "pos": _("Cash-desk system"), "sandbox": _("For trying out")}
