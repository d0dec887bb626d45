"""A member's pages from outside: what the first visit brings over the wire, how long home takes at 50 requests a second, Lighthouse.

Home's times are told twice: `seen` by the client, from when a request was due, and of the `server`, as its log has them. As many
web processes serve as an installation of this machine has.

The demo operator with a thousand members. The first visit counts the page and everything that it or the service worker fetches, as it
goes over the wire with its headers. Lighthouse (npm install lighthouse@12, in a folder of yours) judges home, catalogue and a voucher as
on a phone, where it and a Chromium are.
"""

import gzip
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urljoin

from sqlalchemy import text

from admin.analytics.demo_operator import SIZES, Size
from app import demo
from app.wiring import wire
from base import database, ids
from base.config import Config, own_environment
from bench import client
from bench.client import Address
from bench.http import CONNECTIONS, WARM, serving, signed_in, together
from bench.plans import Figures, Measured, Plan, Say
from bench.population import SECRETS
from bench.server import Server

MEMBERS = {"full": Size(1_000), "quick": Size(1_000, 6), "tiny": Size(60, 3)}
ASKED = {"full": 3_000, "quick": 500, "tiny": 20}
PER_S, PEPPER = 50, "p" * 32
CHILD = {
    "JIFEN_SECRET_KEY": SECRETS.index_key,
    "JIFEN_SEAL_KEY": SECRETS.seal_key,
    "JIFEN_VOUCHER_PEPPER": PEPPER,
}
LINKED = re.compile(r'<(?:link|script|img)\b[^>]*?\b(?:href|src)="(/[^"]+)"')
QUOTED = re.compile(r'"(/[^"]+)"')
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def measure(server: Server, plan: Plan, lighthouse: Path | None, say: Say) -> Measured:
    """Bytes of the first visit, percentiles of home, and the scores of Lighthouse where it is."""
    url = server.clone("bench_pages")
    config = Config.from_env().at(
        database_url=url, secret_key=SECRETS.index_key, seal_key=SECRETS.seal_key, voucher_peppers={1: PEPPER}
    )
    wire(config, statement_timeout_ms=60_000)
    say(f"pages: a demo of {MEMBERS[plan.name].members} members")
    SIZES["bench"] = MEMBERS[plan.name]
    demo.make(config, "bench", quiet=True)
    tokens = [signed_in(member_id) for member_id in _members()]
    server.settle("bench_pages")
    with (
        tempfile.TemporaryDirectory(prefix="jifen-bench-pages-") as folder,
        serving(url, CHILD, workers=config.web_workers, log=Path(folder) / "web.log") as address,
    ):
        figures = _first_visit(address, tokens[0])
        asked = [client.request("GET", "/", _headers(token)) for token in tokens]
        warm = _turns(asked, config.web_workers * WARM)
        together(client.rate, address, warm, CONNECTIONS)
        together(
            client.times, address, warm, PER_S, 2 * CONNECTIONS
        )  # each connection prepares its statements
        say(f"pages: home, {PER_S} requests a second by the clock, {config.web_workers} web processes")
        before = len(_logged(Path(folder) / "web.log"))
        took = together(client.times, address, _turns(asked, ASKED[plan.name]), PER_S, 2 * CONNECTIONS)
        figures |= _percentiles("pages_home_seen", [1_000 * seconds for seconds in took])
        figures |= _percentiles("pages_home_server", _logged(Path(folder) / "web.log")[before:])
        figures |= _judged(address, tokens[0], lighthouse, say)
    server.drop("bench_pages")
    return {}, figures | {"pages_web_workers": config.web_workers}


def _percentiles(name: str, milliseconds: list[float]) -> Figures:
    ordered = sorted(milliseconds)
    return {f"{name}_p{part}_ms": ordered[len(ordered) * part // 100] for part in (50, 99)}


def _logged(file: Path) -> list[float]:
    """Milliseconds that the server has taken for each look at home so far."""
    told = (json.loads(line) for line in file.read_text().splitlines() if line.startswith("{"))
    return [one["ms"] for one in told if one.get("event") == "request" and one["route"] == "/"]


def _members() -> list[int]:
    """Those of the first programme who are active, first somebody with a voucher to use."""
    with database.begin() as session:
        found = session.scalars(
            text(
                "select m.member_id from member m join programme p using (programme_id) join wallet w using (member_id) "
                "where p.code = 'gotone' and m.left_on is null and w.state = 2 order by exists(select 1 from voucher v "
                "where v.member_id = m.member_id and v.state = 'issued') desc, m.member_id limit 200"
            )
        )
        return list(found)


def _headers(token: str) -> dict[str, str]:
    return {"Cookie": f"jifen_member={token}", "Accept-Encoding": "gzip", "Accept-Language": "zh-CN"}


def _turns(asked: list[bytes], count: int) -> list[bytes]:
    return [asked[number % len(asked)] for number in range(count)]


def _first_visit(address: Address, token: str) -> Figures:
    """`pages_home_kb`: home with all that it loads; `pages_worker_kb`: what the service worker fetches besides, behind it."""
    page, size = _fetched(address, "/", token)
    loaded = {"/": size} | _sizes(address, LINKED.findall(page), token)
    worker, worker_size = _fetched(address, "/worker.js", token)
    later = {"/worker.js": worker_size} | _sizes(
        address, [*QUOTED.findall(worker.replace("\\u0026", "&")), "/vouchers/offline"], token
    )
    behind = sum(size for path, size in later.items() if path not in loaded)
    return {
        "pages_home_kb": sum(loaded.values()) / 1_000,
        "pages_worker_kb": behind / 1_000,
        "pages_first_visit_kb": (sum(loaded.values()) + behind) / 1_000,
    }


def _sizes(address: Address, paths: Iterable[str], token: str) -> dict[str, int]:
    found = {}
    for path in dict.fromkeys(path.replace("&amp;", "&") for path in paths):
        if not path.endswith("/") and path != "/language" and "owner" not in path:
            found[path] = _fetched(address, path, token)[1]
    return found


def _fetched(address: Address, path: str, token: str) -> tuple[str, int]:
    """The text of an answer, and its bytes on the wire."""
    with client.connection(address) as connection:
        head, body = connection.exchange(client.request("GET", path, _headers(token)))
    content = gzip.decompress(body) if b"content-encoding: gzip" in head.lower() else body
    return content.decode(errors="replace"), len(head) + 4 + len(body)


def _judged(address: Address, token: str, folder: Path | None, say: Say) -> Figures:
    """Lighthouse's scores of 100; nothing, and why, where it is not at hand."""
    program = (folder and next(iter(folder.glob("node_modules/.bin/lighthouse")), None)) or shutil.which(
        "lighthouse"
    )
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if not program or not browser:
        say(
            "pages: Lighthouse was not measured: LIGHTHOUSE=folder of `npm install lighthouse@12`, and a Chromium"
        )
        return {}
    base = f"http://{address[0]}:{address[1]}"
    places = {"home": "/", "catalogue": "/offers", "voucher": _a_voucher()}
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="jifen-lighthouse-") as made:
        headers = Path(made) / "headers.json"
        headers.write_text(json.dumps({"Cookie": f"jifen_member={token}"}))
        for name, path in places.items():
            scores = _lighthouse(
                str(program), browser, urljoin(base, path), headers, Path(made) / f"{name}.json"
            )
            figures |= {f"pages_{name}_{part}": score for part, score in scores.items()}
            say(f"pages: {name}: {scores}")
    return figures


def _lighthouse(program: str, browser: str, url: str, headers: Path, report: Path) -> Figures:
    subprocess.run(
        [
            program, url, "--quiet", "--output=json", f"--output-path={report}", f"--extra-headers={headers}",
            "--only-categories=performance,accessibility", f"--chrome-flags={FLAGS}",
        ],
        env=own_environment() | {"CHROME_PATH": browser}, check=True, timeout=300,
    )  # fmt: skip
    found = json.loads(report.read_text())["categories"]
    return {name: 100 * found[name]["score"] for name in ("performance", "accessibility")}


def _a_voucher() -> str:
    """The page of a voucher of the first member."""
    with database.begin() as session:
        row = session.execute(
            text(
                "select member_id, voucher_id from voucher where member_id = :m order by voucher_id desc limit 1"
            ),
            {"m": _members()[0]},
        ).one()
    return f"/vouchers/{ids.public('vch', row.member_id, row.voucher_id)}"
