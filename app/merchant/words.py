"""The words for roles, stages, states and conditions on the merchant's pages, with the tone of each."""

from base.web.i18n import lazy_gettext as _

ROLES = {
    "clerk": _("Clerk"),
    "manager": _("Manager of an outlet"),
    "finance": _("Finance"),
    "owner": _("Owner"),
}
TILL_STATES = {
    "waiting": (_("Not paired yet"), "wait"),
    "paired": (_("Ready"), "ok"),
    "frozen": (_("Frozen"), "bad"),
    "revoked": (_("Revoked"), "quiet"),
}
TILL_KINDS = {"browser": _("Browser"), "pos": _("Cash-desk system"), "sandbox": _("For trying out")}
TERMS_STATES = {
    "waiting": (_("Waits for your confirmation"), "wait"),
    "later": (_("Begins later"), "info"),
    "in-force": (_("In force"), "ok"),
    "replaced": (_("Replaced"), "quiet"),
    "lapsed": (_("Not confirmed in time"), "bad"),
}
