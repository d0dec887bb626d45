"""JSON of the audit log."""

from typing import Any

import marshmallow as ma

from admin.audit.trail import Asked
from base.http.api import QueryNumber, Request, Text, View
from base.models import AuditRow


class AuditQuery(Request):
    """What to look for; all that is given must hold."""

    actor = Text(load_default=None, most=80, metadata={"description": "staff:7, merchant:9, service:k1, job"})
    action = Text(load_default=None, most=80, metadata={"description": "or its beginning: offer."})
    subject = Text(
        load_default=None, most=120, metadata={"description": "the public id of what it was done to"}
    )
    request_id = Text(load_default=None, most=80)
    from_day = ma.fields.Date(load_default=None)
    to_day = ma.fields.Date(load_default=None, metadata={"description": "the last day, included"})
    limit = QueryNumber(least=1, most=200, load_default=50)
    cursor = ma.fields.String(load_default=None)


class AuditRowView(View):
    """One deed or look. `digest` is sha256 over the digest of the chain's row before it and the row's content."""

    at = ma.fields.String()
    actor = ma.fields.String()
    action = ma.fields.String()
    subject = ma.fields.String()
    facts = ma.fields.Dict()
    request_id = ma.fields.String()
    chain = ma.fields.String()
    no = ma.fields.Integer(metadata={"description": "in its chain, from 1 without a gap"})
    digest = ma.fields.String()


class AuditView(View):
    """A page of the log, newest first."""

    data = ma.fields.List(ma.fields.Nested(AuditRowView))
    next_cursor = ma.fields.String(allow_none=True)
    has_more = ma.fields.Boolean()


def asked_of(query: dict[str, Any]) -> Asked:
    """A query as what to look for. DaysBackwards."""
    names = ("actor", "action", "subject", "request_id", "from_day", "to_day")
    return Asked(**{name: query[name] for name in names if query[name] is not None})


def row_view(row: AuditRow) -> dict[str, Any]:
    """A row as AuditRowView."""
    return {
        "at": row.at.isoformat(),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "facts": row.facts,
        "request_id": row.request_id,
        "chain": row.chain,
        "no": row.no,
        "digest": row.digest.hex(),
    }
