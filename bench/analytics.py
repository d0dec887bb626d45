"""How long the analysis takes: a snapshot of 1,000,000 members x 24 months to its stored run, the airline's records, reads.

Members are those of bench/snapshots.py, written as a real snapshot is. Panel and run are processes of their own, so that
each one's peak memory is its own; the run is done in two databases, and the stored rows are compared byte by byte. Then
the stored run is read over HTTP, from the API and as the console's page.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from admin.analytics import panel, parts, person_month_files, report, runs, snapshot
from admin.analytics.models import AnalysisRun
from admin.analytics.protocol import Options
from base import clock, database
from base.auth import sign_ins
from base.config import Config, own_environment
from base.progress import bar
from bench import airline_histories, client, snapshots
from bench.http import serving
from bench.plans import Figures, Measured, Plan, Say, short
from bench.population import Populations
from bench.server import Server
from points import programmes
from points.models import Programme

MEMBERS = {"full": 1_000_000, "quick": 20_000, "tiny": 1_500}
MONTHS = 24
READS, PER_S, CONNECTIONS = {"full": 400, "quick": 100, "tiny": 20}, 20, 4
AIRLINE = Path(__file__).resolve().parents[2] / "shared" / "data" / "airline"
PANEL, RUN, RECORDS = "panel", "run", "records"
ROW = "select programme_id, seed, code_version, input_hash, protocol_hash, protocol::text, refusals::text, report::text from analysis_run"


def analysed(server: Server, plan: Plan, populations: Populations, say: Say) -> Measured:
    """Seconds of a snapshot, seconds and megabytes of panel and run, of the airline's records, milliseconds of reads."""
    members = MEMBERS[plan.name]
    people = populations.of(plan.members)
    with tempfile.TemporaryDirectory(prefix="jifen-bench-analytics-") as place:
        folder = Path(place)
        say(f"analytics: a snapshot of {short(members)} members x {MONTHS} months")
        config = Config.from_env().at(data_dir=folder)
        snapshots.write(snapshot.place(config) / f"20250401-{'0' * 12}", members, MONTHS, untidy=False)
        say("analytics: panel")
        made = _child(PANEL, folder, "")
        urls = [_database(server, f"analytics_{number}_{members}") for number in (1, 2)]
        found = []
        for url in urls:
            say("analytics: run")
            found.append(_child(RUN, folder, url))
        say(f"analytics: copying {short(plan.members)} members of a live database")
        database.connect(people.url)
        began = time.monotonic()
        with bar(0, "", quiet=True) as silent:
            snapshot.take(config, silent)
        figures: Figures = {
            "analytics_snapshot_s": time.monotonic() - began,
            "analytics_snapshot_members": float(plan.members),
            "analytics_members": float(members),
            "analytics_person_months": made["rows"],
            "analytics_panel_s": made["s"],
            "analytics_panel_cpu_s": made["cpu_s"],
            "analytics_panel_megabytes": made["megabytes"],
            "analytics_run_s": min(one["s"] for one in found),
            "analytics_run_cpu_s": min(one["cpu_s"] for one in found),
            "analytics_megabytes": max(one["megabytes"] for one in (made, *found)),
            "analytics_rows_differing": float(_row(urls[0]) != _row(urls[1])),
        }
        if plan.name != "tiny" and (AIRLINE / "SOURCE.txt").exists():
            say("analytics: the airline's records")
            records = _child(RECORDS, folder, "")
            figures |= {
                "analytics_airline_s": records["s"],
                "analytics_airline_megabytes": records["megabytes"],
            }
        say("analytics: reads")
        return {}, figures | _reads(urls[0], READS[plan.name])


def _database(server: Server, name: str) -> str:
    url = server.clone(name)
    database.connect(url, statement_timeout_ms=60_000)
    with database.begin() as session:
        session.add(
            Programme(
                programme_id=snapshots.PROGRAMME, code="bench", names={"zh-CN": "测试", "en": "Bench"}, zone="UTC",
                currency="CNY", minimum_tenure_days=0,
            )
        )  # fmt: skip
    return url


def _row(url: str) -> list[Any]:
    database.connect(url)
    with database.begin() as session:
        return list(session.execute(text(ROW)).one())


def _reads(url: str, count: int) -> Figures:
    database.connect(url)
    with database.begin() as session:
        run = session.scalars(select(AnalysisRun)).one()
        person = programmes.by_code(session, "bench").programme_id  # any number: nobody else signs in here
        token = _signed_in(session, person)
    asked = {
        "get": (f"/v1/retention/runs/{runs.reference(run.run_id)}", {"Authorization": f"Bearer {token}"}),
        "list": ("/v1/retention/runs?programme=bench", {"Authorization": f"Bearer {token}"}),
        "page": ("/staff/retention?programme=bench", {"Cookie": f"jifen_staff={token}"}),
        "curves_page": ("/staff/retention/curves?programme=bench", {"Cookie": f"jifen_staff={token}"}),
        "study_page": ("/staff/retention/study?programme=bench", {"Cookie": f"jifen_staff={token}"}),
        "kinds_page": ("/staff/retention/kinds?programme=bench", {"Cookie": f"jifen_staff={token}"}),
        "trust_page": ("/staff/retention/trust?programme=bench", {"Cookie": f"jifen_staff={token}"}),
    }
    found: Figures = {}
    with serving(url) as address:
        for name, (path, headers) in asked.items():
            one = client.request("GET", path, headers)
            client.rate(address, [one] * 8, CONNECTIONS)  # warm
            seconds = sorted(client.times(address, [one] * count, PER_S, CONNECTIONS))
            found[f"analytics_{name}_p95_ms"] = 1_000 * seconds[len(seconds) * 95 // 100]
    return found


def _signed_in(session: Any, number: int) -> str:
    from admin.staff import staff

    row = staff.add(session, "analyst@example.test", "Analyst", f"a long password {number}", ["analyst"], "")
    return sign_ins.begin(session, "staff", row.staff_id, clock.now())


def _child(what: str, folder: Path, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.analytics", what, str(folder), url]
    done = subprocess.run(command, env=own_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _do(what: str, folder: Path, url: str) -> dict[str, float]:
    """The work of a child."""
    config = Config.from_env().at(data_dir=folder, database_url=url or None)
    if what == RECORDS:
        files = airline_histories.write(AIRLINE, folder)
        began, cpu = time.monotonic(), time.process_time()
        report.retention_report(person_month_files.read(files[1]), Options())
        return _measured(began, cpu)
    taken = snapshot.latest(config, snapshots.PROGRAMME)
    assert taken is not None
    of = taken.of(snapshots.PROGRAMME)
    seen = panel.window(taken, of) if of else None
    assert seen is not None
    began, cpu = time.monotonic(), time.process_time()
    with bar(0, "", quiet=True) as silent:
        if what == PANEL:
            made = parts.make(folder / "analytics" / "panels", taken, seen, silent)
            return _measured(began, cpu) | {"rows": float(made.rows)}
        database.connect(url, statement_timeout_ms=60_000)
        with database.begin() as session:
            programme = programmes.by_code(session, "bench")
        runs.take(config, programme, taken, silent)
    return _measured(began, cpu)


def _measured(began: float, cpu: float) -> dict[str, float]:
    return {
        "s": time.monotonic() - began,
        "cpu_s": time.process_time() - cpu,
        "megabytes": _peak_megabytes(),
    }


def _peak_megabytes() -> float:
    """The most memory this program had; the resource usage would count what its parent had when it was started."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(_do(sys.argv[1], Path(sys.argv[2]), sys.argv[3])))
