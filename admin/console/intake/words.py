"""The words of the pages of imports: kinds of files, their columns, where a job stands, what cannot be taken back."""

from admin.intake import tasks
from admin.intake.kinds import BALANCES, BILLS, GROUPS, LINE_EVENTS, MEMBERS
from admin.intake.models import CANCELLED, COMMIT, DONE, FAILED, RUNNING, TRY, UNDO, WAITING
from base.web.i18n import lazy_gettext as _
from points import taking_back

KINDS = {
    MEMBERS: _("Members"),
    BILLS: _("Bill lines"),
    GROUPS: _("Groups and their contacts"),
    LINE_EVENTS: _("Events of lines"),
    BALANCES: _("Opening balances"),
}
UNDOING = {
    MEMBERS: _(
        "This cannot be taken back: whoever was enrolled stays in the books. A line that should not be there is ended by an "
        "event of the line, and what is known of a member is put right by another file."
    ),
    BILLS: _(
        "All of it can be taken back for seven days, as long as none of its points was spent, held or given, and none of its "
        "lines corrected or paid. After that a wrong line is put right by a correction, which may leave a debt."
    ),
    GROUPS: _(
        "This cannot be taken back as a whole: it says what holds from now on. A file with the values of before puts them "
        "back; nobody is taken out of a group by a file."
    ),
    LINE_EVENTS: _(
        "This cannot be taken back: an event is never edited, and a cancelled line loses its points on the day that its "
        "member is told. Another event puts a line right."
    ),
    BALANCES: _(
        "This cannot be taken back as a whole: a lot is posted once. A wrong one is put right by an adjustment, by two persons."
    ),
}
TOUCHED = {
    taking_back.TOUCHED: _(
        "points: spent, held, given or lapsed in part; send a correction, which may leave a debt"
    ),
    taking_back.TOLD_SINCE: _("bill_id: a correction or payment of this line came since; send a correction"),
}
STATES = {
    WAITING: (_("Waiting"), "quiet"),
    RUNNING: (_("In progress"), "wait"),
    DONE: (_("Done"), "ok"),
    FAILED: (_("Failed"), "bad"),
    CANCELLED: (_("Cancelled"), "quiet"),
}
DEEDS = {TRY: _("Dry run"), COMMIT: _("Import"), UNDO: _("Taking back")}
PHASES = {
    "": _("Waiting for the worker"),
    tasks.READING: _("Reading the file"),
    tasks.TRYING: _("Trying every row"),
    tasks.CHECKING: _("Checking that the data have not moved"),
    tasks.POSTING: _("Taking rows in"),
    tasks.BACK: _("Taking rows back"),
}
COLUMNS = {
    "customer_id": _("Number of the customer"),
    "joined_on": _("Day of joining"),
    "left_on": _("Day of leaving"),
    "phone": _("Phone number"),
    "tier": _("Tier"),
    "tier_from": _("Tier since"),
    "birthday": _("Birthday (MM-DD)"),
    "area": _("Area code"),
    "arpu_fen": _("Middle bill (fen)"),
    "risk": _("Risk grade"),
    "name": _("Name"),
    "second_phone": _("Second phone number"),
    "email": _("Mail address"),
    "address": _("Address"),
    "id_number": _("Number of the identity card"),
    "bill_id": _("Number of the bill"),
    "line_no": _("Number of the line"),
    "bill_day": _("Day of the bill"),
    "line_type": _("Type of line"),
    "amount_fen": _("Amount (fen)"),
    "waived_fen": _("Waived of it (fen)"),
    "paid_fen": _("Paid of it (fen)"),
    "group": _("Number of the group"),
    "class": _("Class"),
    "contact": _("Number of the contact"),
    "rank": _("Rank of the contact"),
    "cap_points": _("Points that may be spent in a month"),
    "cost_centre": _("Cost centre"),
    "event_id": _("Number of the event"),
    "state": _("State of the line"),
    "since": _("Since which day"),
    "reason": _("Reason"),
    "clearing_day": _("Day on which points are cleared"),
    "to_customer": _("Customer who takes the line over"),
    "key": _("Key of the record"),
    "last_day": _("Last day"),
    "points": _("Points"),
    "source": _("Source"),
    "value_fen": _("Worth in the older system (fen)"),
    "earned_on": _("Earned on"),
}
SUMS = {
    "members": _("Members"),
    "points": _("Points"),
    "value_fen": _("Worth in the older system (fen)"),
    "without_value": _("Rows without a worth"),
}


def touched(facts: dict[str, str]) -> dict[str, str]:
    """Which rows were touched since, by their lines, and how; a reason that has no words here, by its own."""
    return {
        str(_("line %(number)s", number=name.removeprefix("line "))): str(TOUCHED.get(said, said))
        for name, said in facts.items()
        if name.startswith("line ")
    }


def column(name: str) -> str:
    """What a column is called; one that has no name here, by its own."""
    return str(COLUMNS.get(name, name))


def summed(name: str) -> str:
    """What is summed up under a name."""
    return str(SUMS.get(name, name))
