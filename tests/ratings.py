"""What was used, and rated, by the rules themselves: quick, for tests that need many of them."""

from datetime import datetime

from base import clock, database
from base.config import Config
from catalog.offers.models import Offer
from catalog.perks import uses
from catalog.ratings import ratings
from catalog.ratings.ratings import Said, Standing
from catalog.redemptions import quotes, redemptions
from catalog.redemptions.course import JOB
from catalog.vouchers import codes, life, using
from catalog.vouchers.codes import Keys
from merchants import merchants
from merchants.acceptances import Place
from merchants.models import Outlet
from merchants.terminals import clerks
from points.models import Programme
from tests.given import Shop, given_offer


def redeem(member_id: int, offer: Offer, *, spender_id: int | None = None, units: int = 1) -> tuple[int, int]:
    """An offer redeemed now; the redemption's key."""
    at = clock.now()
    with database.begin() as session:
        quote = quotes.make(session, member_id, offer.offer_id, units, at, 600, spender_id=spender_id).quote
        row = redemptions.redeem(session, member_id, quote.quote_id, JOB, at, spender_id=spender_id)
        return row.member_id, row.redemption_id


def used_perk(
    member_id: int, programme: Programme, offer: Offer | None = None, *, spender_id: int | None = None
) -> tuple[int, int]:
    """A perk for 300 points, or the offer, redeemed and used; the redemption's key."""
    offer = offer or given_offer(programme, "perk", value_fen=300)
    place = redeem(member_id, offer, spender_id=spender_id)
    with database.begin() as session:
        row = redemptions.find(session, *place)
        uses.use(session, row, 0, present=True, actor="service:1", at=clock.now())
    return place


def place_of(shop: Shop) -> Place:
    """The till of a shop."""
    return Place(
        shop.merchant.merchant_id, shop.outlet.outlet_id, shop.terminal.terminal_id, shop.clerk.clerk_id
    )


def place_at(outlet: Outlet) -> Place:
    """A till at an outlet more."""
    with database.begin() as session:
        merchant = merchants.by_id(session, outlet.merchant_id)
        terminal = clerks.add_terminal(session, outlet, f"{merchant.code}-{outlet.outlet_id}")
        clerk = clerks.add_clerk(session, outlet, "07", "-")
        return Place(outlet.merchant_id, outlet.outlet_id, terminal.terminal_id, clerk.clerk_id)


def used_voucher(config: Config, member_id: int, offer: Offer, place: Place) -> tuple[int, int]:
    """A voucher redeemed and used at a till; the redemption's key."""
    redeemed, keys, at = redeem(member_id, offer), Keys.of(config), clock.now()
    with database.begin() as session:
        voucher = life.of_redemption(session, *redeemed)
        assert voucher is not None
        till = using.Till(place, at, keys, config.secret_key)
        symbols = codes.opened(keys, voucher.voucher_id, voucher.code_sealed)
        shown = codes.read(codes.pictures(keys, voucher, symbols, at, steps=1)[0].text)
        checked = using.check(session, till, voucher, shown, config.check_hold_s)
        using.accept(session, till, checked.token, None)
    return redeemed


def rate(
    config: Config, me: int, place: tuple[int, int], said: Said | int, at: datetime | None = None
) -> Standing:
    """Say it, stars alone or more."""
    said = Said(said) if isinstance(said, int) else said
    with database.begin() as session:
        return ratings.rate(session, config.seal_key, me, place, said, at or clock.now())
