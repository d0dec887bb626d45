"""The member's pages: sign-in, home, offers, quotes and redemptions, vouchers, points."""

from app.member import home, offers, points, redemptions, refusals, sign_in, sources, vouchers
from app.member.frame import blueprint

__all__ = [
    "blueprint",
    "home",
    "offers",
    "points",
    "redemptions",
    "refusals",
    "sign_in",
    "sources",
    "vouchers",
]
