"""The words for stages, for who has a ticket, and for the conditions of a step."""

from base.web.i18n import lazy_gettext as _

STAGES = {
    "invited": (_("Invited"), "wait"),
    "documents": (_("Documents handed in"), "wait"),
    "reviewed": (_("Reviewed"), "info"),
    "equipped": (_("Equipped"), "info"),
    "tried": (_("Tried"), "info"),
    "active": (_("Open"), "ok"),
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
