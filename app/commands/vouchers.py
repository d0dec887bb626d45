"""jifen vouchers: let those lapse that are past their day, rotate the pepper of their codes.

Both are safe to run twice, and two at once; broken off, they go on where they were.
"""

import json
import time

import click

from app import local_setup
from base import clock, database
from base.patience import patiently
from base.progress import bar
from catalog.vouchers import digesting, lapsing
from catalog.vouchers.codes import Keys

PAUSE_S = 0.2
TRIES = 25


@click.group("vouchers")
def vouchers() -> None:
    """Vouchers: those past their last day, and the keys behind their codes."""


@vouchers.command("re-digest")
@click.option("--rate", type=click.IntRange(1), metavar="N", help="At most N vouchers a second.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.pass_context
def re_digest(ctx: click.Context, rate: int | None, as_json: bool, quiet: bool) -> None:
    """Give vouchers of older peppers the digest of the newest one, while tills go on.

    First make the new pepper JIFEN_VOUCHER_PEPPER with a higher JIFEN_VOUCHER_PEPPER_ID, the present one
    JIFEN_VOUCHER_PEPPER_OLD, and restart everything. Then run this. At the end it says whether the old one may be dropped.
    """
    keys = Keys.of(local_setup.ready())
    with database.begin() as session:
        named = digesting.peppers(session)
    old = [pepper_id for pepper_id in named if pepper_id < keys.newest]
    done = _rotate(keys, old, sum(named[one] for one in old), rate, quiet)
    with database.begin() as session:
        left = [pepper_id for pepper_id in digesting.peppers(session) if pepper_id < keys.newest]
    if as_json:
        click.echo(json.dumps({"re_digested": done, "pepper": keys.newest, "still_named": left}))
    elif not quiet:
        click.echo(f"{done:,} vouchers now under pepper {keys.newest}")
        click.echo(
            f"Still named by vouchers: pepper {', '.join(map(str, left))}. Keep it, and run this again."
            if left
            else f"No voucher names a pepper older than {keys.newest}: older ones may be dropped."
        )
    ctx.exit(1 if left else 0)


def _rotate(keys: Keys, old: list[int], size: int, rate: int | None, quiet: bool) -> int:
    """A batch in each transaction. Rows that others hold are skipped and met again, for some seconds."""
    done, empty, began = 0, 0, time.monotonic()
    with bar(size, "vouchers: re-digest", quiet=quiet) as shown:
        while old and empty < TRIES:
            with database.begin() as session:
                did = digesting.step(session, keys, old)
                if not did and not digesting.is_named(session, old):
                    break
            empty = 0 if did else empty + 1
            done += did
            shown.advance(did)
            if not did:
                time.sleep(PAUSE_S)
            elif rate:
                time.sleep(max(0.0, done / rate - (time.monotonic() - began)))
    return done


@vouchers.command("lapse")
@click.option("--rate", type=click.IntRange(1), metavar="N", help="At most N vouchers a second.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def lapse(rate: int | None, as_json: bool, quiet: bool) -> None:
    """Set vouchers expired whose last day is over where their merchant is; what was left of them is booked.

    The worker does the same by itself. Nobody sees another state than before: every read knows the day. A voucher that a
    till holds waits, a frozen one stays.
    """
    local_setup.ready()
    at = clock.now()
    with database.begin() as session:
        size = lapsing.due(session, at)
    done, began = 0, time.monotonic()
    with bar(size, "vouchers: lapse", quiet=quiet) as shown:
        while True:
            did = patiently(lapsing.step, at)
            done += did
            shown.advance(did)
            if not did:
                break
            if rate:
                time.sleep(max(0.0, done / rate - (time.monotonic() - began)))
    if as_json:
        click.echo(json.dumps({"lapsed": done}))
    elif not quiet:
        click.echo(f"{done:,} vouchers lapsed")


verbs = (vouchers,)
