"""JSON of proposals of all kinds in one list."""

import marshmallow as ma

from base.approvals import approvals
from base.approvals.schemas import CaseView
from base.http.api import QueryNumber, Request, View


class ProposalsQuery(Request):
    """Which proposals; those that wait, where nothing else is asked."""

    state = ma.fields.String(load_default=approvals.PROPOSED, validate=ma.validate.OneOf(approvals.STATES))
    overdue = ma.fields.Boolean(load_default=False, metadata={"description": "nobody decided in time"})
    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class AnyProposalView(CaseView):
    """A proposal of some kind; what it says is read at its own address."""

    kind = ma.fields.String()
    href = ma.fields.String(metadata={"description": "its page in the console"})


class AnyProposalsView(View):
    """A page of proposals."""

    data = ma.fields.List(ma.fields.Nested(AnyProposalView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()
