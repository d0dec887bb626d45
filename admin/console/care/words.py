"""The words for tasks of care and visits in the console, with the tone of each."""

from admin.care.tasks import BY_ITSELF, REASONS
from base.web.i18n import both
from base.web.i18n import lazy_gettext as _

VIEWS = {
    "mine": _("Mine"),
    "department": _("Nobody named"),
    "overdue": _("Overdue"),
    "open": _("All open"),
    "ended": _("Ended"),
}
STATES = {
    "open": (_("To do"), "wait"),
    "done": (_("Done"), "ok"),
    "not-reached": (_("Not reached"), "bad"),
    "not-needed": (_("Not needed"), "quiet"),
}
WAYS = {
    "area": _("By area"),
    "department": _("By department"),
    "person": _("By person"),
    "class": _("By class"),
}


def why(reason: str | None) -> str:
    """Why a task was not needed, in the reader's language."""
    return both((REASONS | BY_ITSELF)[reason]) if reason else ""
