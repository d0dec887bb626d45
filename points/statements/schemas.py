"""JSON of statements of points."""

from typing import Any

import marshmallow as ma

from base.http.api import View
from points.statements.statements import Amounts, Movement, Statement


class AmountsView(View):
    """Points by where they are."""

    available = ma.fields.Integer(metadata={"description": "can be spent"})
    held = ma.fields.Integer(metadata={"description": "set aside for redemptions and gifts under way"})
    debt = ma.fields.Integer(metadata={"description": "owed after a bill correction"})


class MovementView(AmountsView):
    """What moved in the month for one reason; each number with its sign for the member's account."""

    movement = ma.fields.String(metadata={"enum": [each.value for each in Movement]})


class StatementOfPointsView(View):
    """A month: opening plus movements is closing, and closing is the next month's opening."""

    month = ma.fields.String(metadata={"description": "YYYY-MM, in the programme's time zone"})
    programme = ma.fields.String()
    complete = ma.fields.Boolean(metadata={"description": "false: the month has not ended yet"})
    opening = ma.fields.Nested(AmountsView)
    movements = ma.fields.List(ma.fields.Nested(MovementView))
    closing = ma.fields.Nested(AmountsView)


def statement_view(found: Statement) -> dict[str, Any]:
    """The statement as StatementOfPointsView."""
    return {
        "month": str(found.month),
        "programme": found.programme.code,
        "complete": found.complete,
        "opening": _amounts(found.opening),
        "movements": [{"movement": each.value} | _amounts(moved) for each, moved in found.movements],
        "closing": _amounts(found.closing),
    }


def _amounts(amounts: Amounts) -> dict[str, int]:
    return amounts._asdict()
