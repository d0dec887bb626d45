"""Words of the developer's pages for what the code names."""

from base.web.i18n import lazy_gettext as _
from catalog.sandbox.cases import ACCEPT, AFTER, CHECK, DIRECT, VOID
from merchants.terminals import attempts

WHEN = {
    "": _("all goes well"),
    CHECK: _("check"),
    ACCEPT: _("accept"),
    DIRECT: _("direct accept"),
    AFTER: _("accept"),
    VOID: _("void"),
}
DEEDS = {
    attempts.CHECK: _("check"),
    attempts.ACCEPT: _("accept"),
    attempts.DIRECT: _("direct accept"),
    attempts.VOID: _("void"),
}
STATES = {
    "live": _("Live"),
    "paused": _("Paused"),
    "removed": _("Removed"),
    "waiting": _("Waiting"),
    "delivered": _("Delivered"),
    "failed": _("Given up"),
    "dropped": _("Dropped"),
}
TONES = {"live": "ok", "paused": "wait", "waiting": "wait", "delivered": "ok", "failed": "bad"}
