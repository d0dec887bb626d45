"""The words of figures by area, and of the figures' topics."""

from base.web.i18n import lazy_gettext as _

FIGURES = {
    "opening": _("There at the opening"),
    "joined": _("Joined"),
    "left": _("Left of their own will"),
    "left_involuntary": _("Left otherwise"),
    "members": _("There at the end"),
    "satisfaction_bp": _("Satisfaction"),
    "exit_rate_bp": _("Exit rate"),
    "loyalty_bp": _("Loyalty"),
    "silent": _("Silent"),
    "silent_bp": _("Silent, of all"),
    "vip": _("Important cards"),
    "vip_covered_bp": _("with a named manager"),
    "groups": _("Groups"),
    "groups_not_served": _("Groups nobody served"),
    "points_earned": _("Points earned"),
    "points_redeemed": _("Points redeemed"),
    "cost_fen": _("Cost"),
    "points_lapsing": _("Lapsing in three months"),
}
TOPICS = {
    "mix": _("Mix and target"),
    "premium": _("Premium of a point"),
    "liability": _("Liability"),
    "roll-up": _("Areas"),
}
EVERYWHERE = _("All areas")
