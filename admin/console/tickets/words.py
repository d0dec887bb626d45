"""The words for tickets and contacts in the console, with the tone of each."""

from collections.abc import Mapping

from base.web.i18n import both
from base.web.i18n import lazy_gettext as _

STAGES = {
    "received": (_("Received"), "wait"),
    "assigned": (_("Assigned"), "info"),
    "in-work": (_("In work"), "info"),
    "answered": (_("Answered"), "ok"),
    "called-back": (_("Called back"), "ok"),
    "closed": (_("Closed"), "quiet"),
}
VIEWS = {
    "mine": _("Mine"),
    "unassigned": _("Nobody's yet"),
    "overdue": _("Overdue"),
    "climbed": _("Came up to me"),
    "open": _("All open"),
    "closed": _("Closed"),
}
DEEDS = {
    "opened": _("Received"),
    "taken": _("Assigned"),
    "started": _("Work begun"),
    "answered": _("Answered"),
    "reached": _("Called back: reached"),
    "missed": _("Called back: not reached"),
    "closed": _("Closed"),
    "handed-over": _("Handed over"),
    "climbed": _("Overdue: told one level higher"),
    "reopened": _("Taken up again by the member"),
    "shelved": _("Closed: the person was erased"),
}
LEVELS = (_("Taken by"), _("Lead"), _("City"), _("Province"), _("Headquarters"))
RESULTS = {
    "reached": (_("Reached"), "ok"),
    "not-reached": (_("Not reached"), "wait"),
    "call-again": (_("To be called again"), "wait"),
    "declined": (_("Does not want to be called"), "bad"),
}
DIRECTIONS = {"in": _("Member to us"), "out": _("We to the member")}
CALL_BY = ("hotline", "telephone_manager", "account_manager", "hall")  # by which way members are called back
TAKEN_BY = ("hotline", "hall", "group_hotline", "account_manager", "telephone_manager", "service_assistant", "official_account", "sms")  # fmt: skip


def options(named: Mapping[str, dict[str, str]]) -> list[tuple[str, str]]:
    """Codes with their names in the reader's language, as a form's choices."""
    return [(code, both(names)) for code, names in named.items()]


def stages() -> list[tuple[str, str]]:
    """The stages as a form's choices."""
    return [(stage, str(label)) for stage, (label, _tone) in STAGES.items()]
