"""The words of replays in the console."""

from base.web.i18n import lazy_gettext as _

STATES = {
    "waiting": (_("Waiting"), "quiet"),
    "running": (_("In progress"), "wait"),
    "done": (_("Done"), "ok"),
}
SEGMENTS = {
    "tier": _("Tier"),
    "area": _("Province"),
    "class": _("Class of group"),
    "arpu": _("Middle bill"),
}
WARNINGS = {
    "cost-above-worth": _("It costs more than its points are worth."),
    "premium-negative": _("Its points would be worth less than as bill credit."),
    "no-price": _("No rate holds for it, so it would have no price."),
}
