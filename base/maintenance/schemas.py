"""JSON of planned work."""

from typing import Any

import marshmallow as ma

from base.http.api import View
from base.maintenance import maintenance
from base.maintenance.maintenance import Shown


class PlannedView(View):
    """Planned work. While `is_on` and `read_only`, every write answers 503 `read-only` with Retry-After."""

    id = ma.fields.String()
    from_at = ma.fields.String()
    until_at = ma.fields.String()
    texts = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String())
    read_only = ma.fields.Boolean()
    is_on = ma.fields.Boolean()


class MaintenanceView(View):
    """What is on and what begins within 72 hours, the earliest first; usually nothing."""

    data = ma.fields.List(ma.fields.Nested(PlannedView))


def planned_view(one: Shown, *, is_on: bool) -> dict[str, Any]:
    """One as PlannedView."""
    return {
        "id": maintenance.reference(one),
        "from_at": one.from_at.isoformat(),
        "until_at": one.until_at.isoformat(),
        "texts": one.texts,
        "read_only": one.read_only,
        "is_on": is_on,
    }
