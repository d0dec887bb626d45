"""The words for what can be wrong with a row of rates."""

from base.web.i18n import lazy_gettext as _

FAULTS = {
    "from_day": _(
        "It must lie after today, and no equally specific rate may be fixed for that time already."
    ),
    "until_day": _("It must not lie before the first day, and stands with numbers alone."),
    "points": _("A whole number from 1 on."),
    "per_fen": _("An amount in yuan, as 12.50."),
    "offer": _("No offer of this programme has this code."),
    "kind": _("Name an offer or a kind, not both."),
    "tier": _("No tier of this programme."),
    "area": _("No area that has a name or a member."),
    "reason": _("Say why, in a line without control characters."),
    "rows": _("Nothing is changed in the table."),
}
