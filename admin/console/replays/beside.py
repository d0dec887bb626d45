"""What the page of a proposal shows of its replays."""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from admin.console.replays import words
from admin.replay import asking, reading, runs
from base.approvals import approvals
from base.approvals.models import Proposal
from base.auth.guard import current
from base.web.i18n import ngettext

CHOICES = (1, 3, 6, 12)


def of(session: Session, proposal: Proposal) -> dict[str, Any] | None:
    """What the page of a proposal shows of its replays; None where its kind is not replayed or one may not read them."""
    person = current()
    if proposal.kind not in reading.KINDS or asking.READS not in person.permissions:
        return None
    return {
        "runs": [
            {"run": run, "href": f"/staff/replays/{runs.reference(run.replay_id)}"}
            for run in asking.listed(session, person, proposal)
        ],
        "may_run": asking.RUNS in person.permissions and not getattr(person, "area", ""),
        "needed": proposal.kind in reading.NEEDED_BY,
        "proposal": approvals.reference(proposal.proposal_id),
        "choices": [(n, ngettext("%(num)s month", "%(num)s months", n)) for n in CHOICES],
        "months": runs.MONTHS,
        "key": uuid.uuid4(),
        "states": words.STATES,
    }
