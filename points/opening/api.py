"""HTTP: look at what files of opening balances would bring, and decide. They are proposed where the file is: jifen import balances."""

from base.approvals.api import deciding
from base.http.api import Blueprint
from points.opening import opening
from points.opening.schemas import OpeningBalancesPageView, OpeningBalancesView, opening_view

blueprint = Blueprint("opening-balances", __name__, description="Balances of the first day, by two persons")

deciding(blueprint, "opening-balances", opening, opening_view, OpeningBalancesView, OpeningBalancesPageView)
