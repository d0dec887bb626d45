"""The member's pages: sign-in, home, offers, quotes and redemptions, vouchers, points, groups."""

from app.member import groups, home, offers, points, redemptions, refusals, sign_in, sources, vouchers
from app.member.frame import blueprint

__all__ = [
    "blueprint",
    "groups",
    "home",
    "offers",
    "points",
    "redemptions",
    "refusals",
    "sign_in",
    "sources",
    "vouchers",
]
