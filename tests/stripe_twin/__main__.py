"""`python -m tests.stripe_twin PORT STATEFILE`: the twin as a process of its own, on 127.0.0.1, for the demo.

It is a twin, written by us, not Stripe. With a state file a restart keeps balances, transfers and keys.
"""

import argparse
import logging
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.stripe_twin import keeping
from tests.stripe_twin.app import server
from tests.stripe_twin.twin import Twin

OURS = "the product beside this twin"
log = logging.getLogger("stripe-twin")


def main(arguments: Iterable[str] | None = None) -> None:
    """Serve it until it is stopped; events go out each second."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    twin = Twin()
    if options.state:
        keeping.keep(twin, options.state)
    if options.funds and not twin.all("balance_transaction"):
        twin.fund(options.funds)
    if options.webhook:
        listen(
            twin,
            options.webhook,
            options.connect_webhook or options.webhook,
            options.secret_file.read_text().strip(),
        )
    serving = server(twin, options.port)
    log.info("a twin, not Stripe; on %s, kept in %s", twin.address, options.state or "memory")
    threading.Thread(target=_tell, args=(twin,), daemon=True).start()
    with suppress(KeyboardInterrupt):
        serving.serve_forever()


def _options(arguments: Iterable[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.stripe_twin", description="A twin, not Stripe.")
    parser.add_argument("port", type=int, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("state", type=Path, nargs="?", help="keep everything in this file")
    parser.add_argument(
        "--funds", type=int, default=0, metavar="FEN", help="the platform's, at the first start"
    )
    parser.add_argument("--webhook", metavar="URL", help="where the product hears of events")
    parser.add_argument(
        "--connect-webhook", metavar="URL", help="the same for merchants' accounts, if elsewhere"
    )
    parser.add_argument("--secret-file", type=Path, metavar="FILE", help="what signs them")
    options = parser.parse_args(None if arguments is None else list(arguments))
    if options.webhook and not options.secret_file:
        parser.error("--webhook needs --secret-file")
    return options


def listen(twin: Twin, url: str, connect_url: str, secret: str) -> None:
    """Tell the product of events: an endpoint for the platform's, one for those of connected accounts, both signed alike.

    An address of an earlier start is changed, not kept beside it.
    """
    with twin.lock:
        found = [each for each in twin.all("webhook_endpoint").values() if each["description"] == OURS]
        for each in found:
            twin.change(each, url=connect_url if each["id"] in twin.webhooks.connect else url)
            twin.webhooks.secrets[each["id"]] = secret
    for connect in (False, True) if not found else ():
        told = {
            "url": connect_url if connect else url,
            "enabled_events": ["*"],
            "description": OURS,
            "connect": connect,
        }
        twin.create_endpoint(told, secret)


def _tell(twin: Twin) -> None:
    while True:
        time.sleep(1)
        with twin.lock:
            twin.tick()
            twin.flush()
        twin.deliver()


if __name__ == "__main__":
    main()
