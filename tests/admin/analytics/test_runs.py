"""Runs: written once, the same to the last byte, gone on with when broken off, asked for over HTTP and done by the worker."""

import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import exc, func, select, text

from admin.analytics import code, engines, job, parts, report, runs, snapshot, tasks
from admin.analytics.models import AnalysisRun, AnalysisTask
from admin.analytics.protocol import Options
from base import clock, database, jobs
from base.approvals.approvals import ForHeadquarters
from base.version import VERSION
from bench import snapshots
from tests.admin.analytics.panels import quiet
from tests.engines import wire_again
from tests.given import caller, given_member, given_person, given_programme, service_key, staff_token

QUICK = Options(min_history=3, horizon=4, at=(4,), landmarks=(3,), draws=20, variants=False)
AT_NIGHT = datetime.fromisoformat("2026-03-02T03:00:00+08:00")


@pytest.fixture
def here(db, tmp_path):
    """The configuration, with a folder of its own for snapshots and panels."""
    return db.at(data_dir=tmp_path)


@pytest.fixture
def programme(here):
    return given_programme()


@pytest.fixture
def taken(here, programme):
    """A snapshot of a lively programme."""
    folder = snapshot.place(here) / f"20250401-{'0' * 12}"
    return snapshots.write(folder, 400, months=9, seed=5, programme=programme.programme_id)


@pytest.fixture
def taking(here, programme, taken):
    """A run of the programme over the snapshot; options may be given."""
    return lambda **more: runs.take(here, programme, taken, quiet(), **({"options": QUICK} | more))


def stored():
    with database.begin() as session:
        return list(session.scalars(select(AnalysisRun).order_by(AnalysisRun.run_id)))


def waiting_jobs():
    with database.begin() as session:
        return jobs.promised(session, tasks.TASK)


# The run


def test_a_run_says_what_was_compared_of_which_snapshot_by_which_program(taking, taken):
    run = taking()

    assert (run.input_hash.hex(), run.seed, run.snapshot_at) == (taken.sha256, 1, taken.as_of)
    assert run.protocol["programme"] == "gotone"
    assert "months_to_contract_end" in run.protocol["not_held"]
    assert run.report["run"]["input_sha256"] == taken.sha256
    assert run.report["run"]["panel"]["undecided_days"] == 90
    assert sum(month["rows"] for month in run.report["run"]["by_month"]) == run.report["input"]["rows"]
    assert {one["code"] for one in run.refusals} >= {
        reason["code"] for reason in run.report["trials"]["reasons"] if run.report["trials"]["status"] == "refused"
    }  # fmt: skip


def test_the_same_run_twice_is_one_row_and_nothing_is_reckoned_again(taking, monkeypatch):
    first = taking()
    monkeypatch.setattr(report, "retention_report", None)

    assert taking().run_id == first.run_id
    assert len(stored()) == 1


def test_the_same_snapshot_and_seed_give_the_same_bytes_on_either_engine(taking, owner):
    first = taking(engine=engines.DUCKDB)
    owner.execute(text("delete from analysis_run"))
    again = taking(engine=engines.POSTGRESQL)

    assert again.run_id != first.run_id
    assert runs.canonical(again.report) == runs.canonical(first.report)
    assert (again.protocol_hash, again.input_hash) == (first.protocol_hash, first.input_hash)


def test_another_seed_or_protocol_is_another_run(taking):
    taking()
    taking(
        options=Options(min_history=3, horizon=4, at=(4,), landmarks=(3,), draws=20, variants=False, seed=2)
    )
    taking(options=Options(min_history=3, horizon=5, at=(4,), landmarks=(3,), draws=20, variants=False))

    assert len(stored()) == 3


def test_other_estimators_make_another_run_of_the_same_snapshot(taking, monkeypatch):
    first = taking()
    monkeypatch.setattr(code, "version", lambda: "0.1.0+another")
    second = taking()

    assert first.code_version == first.report["run"]["code_version"] == f"{VERSION}+{code.digest()}"
    assert second.run_id != first.run_id
    assert second.protocol_hash == first.protocol_hash
    assert len(stored()) == 2


def test_started_twice_at_once_it_is_written_once(taking):
    found, both = [], threading.Barrier(2)

    def start():
        both.wait()
        found.append(taking().run_id)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 2
    assert len(set(found)) == len(stored()) == 1


def test_killed_half_way_it_goes_on_with_the_panel_that_was_made(taking, monkeypatch, here):
    def dies(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(report, "retention_report", dies)
        with pytest.raises(KeyboardInterrupt):
            taking()
    assert stored() == []
    kept = sorted(path.name for path in (here.data_dir / "analytics" / "panels").rglob("*.npz"))
    monkeypatch.setattr(engines, "over", dies)
    run = taking()

    assert len(kept) == 1
    assert [one.run_id for one in stored()] == [run.run_id]


def test_a_panel_is_kept_for_the_next_run_and_goes_when_nobody_asked_for_it_in_hours(taking, here):
    taking()
    panels = here.data_dir / "analytics" / "panels"
    kept = list(panels.iterdir())
    parts.sweep(panels)
    after = list(panels.iterdir())

    with clock.stopped(clock.now() + timedelta(hours=7)):
        parts.sweep(panels)

    assert len(kept) == 1
    assert after == kept
    assert list(panels.iterdir()) == []


def test_a_snapshot_that_was_tampered_with_is_refused(taking, taken):
    with open(taken.table("bill"), "a") as file:
        file.write("1,24290,1,1,1\n")

    with pytest.raises(snapshot.SnapshotBroken):
        taking()
    assert stored() == []


def test_a_programme_without_a_decided_month_has_nothing_to_compare(here, programme):
    given_member(here, programme, points=100)

    with pytest.raises(runs.NothingToCompare):
        runs.take(here, programme, snapshot.take(here, quiet()), quiet())


def test_a_stored_run_is_never_changed_by_the_application(taking):
    taking()

    for statement in ("update analysis_run set seed = 9", "delete from analysis_run"):
        with pytest.raises(exc.ProgrammingError, match="permission denied"), database.begin() as session:
            session.execute(text(statement))


# Asked for, and done by the worker


def test_asking_only_writes_down_that_a_run_is_wanted(app, programme, monkeypatch):
    def never(*_, **__):
        raise AssertionError("reckoned in a web request")

    for module, name in ((snapshot, "take"), (parts, "make"), (report, "retention_report"), (runs, "take")):
        monkeypatch.setattr(module, name, never)
    analyst = caller(app, staff_token("analyst"))

    asked = analyst.post("/v1/retention/runs", {"programme": "gotone"})
    seen = analyst.get(asked.json["place"])

    assert asked.status_code == 202
    assert (seen.json["state"], seen.json["progress_percent"], seen.json["run"]) == ("waiting", 0, None)
    assert len(waiting_jobs()) == 1
    assert analyst.get("/v1/retention/runs", programme="gotone").json["data"] == []
    assert analyst.get("/v1/retention", programme="gotone").status_code == 404


def test_the_same_key_and_a_second_wish_while_one_is_open_are_the_same_task(app, programme):
    analyst = caller(app, staff_token("analyst"))

    first, again, other = (
        analyst.post("/v1/retention/runs", {"programme": "gotone"}, key=key) for key in ("a", "a", "b")
    )

    assert first.json == again.json
    assert other.json["id"] == first.json["id"]
    assert len(waiting_jobs()) == 1


def test_the_worker_does_it_and_the_task_leads_to_the_stored_run(app, here, programme, taken, monkeypatch):
    monkeypatch.setattr(snapshot, "take", lambda config, bar: taken)
    analyst = caller(app, staff_token("analyst"))
    asked = analyst.post("/v1/retention/runs", {"programme": "gotone"}).json

    jobs.register(tasks.TASK, lambda task_id: job.run(here, task_id))
    jobs.drain(here.database_url)
    wire_again(here)
    done = analyst.get(asked["place"]).json
    run = analyst.get(f"/v1/retention/runs/{done['run']}").json

    assert (done["state"], done["progress_percent"]) == ("done", 100)
    assert run["input_sha256"] == taken.sha256
    assert run["report"]["raw_gap"]["caution"]
    assert run["protocol"]["programme"] == "gotone"
    assert [one["id"] for one in analyst.get("/v1/retention/runs", programme="gotone").json["data"]] == [
        run["id"]
    ]


def test_where_there_is_nothing_to_compare_the_task_says_so(app, here, programme):
    analyst = caller(app, staff_token("analyst"))
    asked = analyst.post("/v1/retention/runs", {"programme": "gotone"}).json

    job.run(here, tasks.parse(asked["id"]))
    seen = analyst.get(asked["place"]).json

    assert (seen["state"], seen["reason"], seen["run"]) == ("failed", "nothing-to-compare", None)
    assert analyst.post("/v1/retention/runs", {"programme": "gotone"}).json["id"] != asked["id"]


def test_a_job_that_died_goes_on_with_its_own_snapshot(here, programme, taken, monkeypatch):
    with database.begin() as session:
        task = tasks.ask(session, given_person("analyst"), programme, clock.now())
    monkeypatch.setattr(snapshot, "take", lambda config, bar: taken)
    with monkeypatch.context() as patched:
        patched.setattr(runs, "take", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError):
            job.run(here, task.task_id)
    real, given = runs.take, []
    monkeypatch.setattr(snapshot, "take", None)
    monkeypatch.setattr(snapshot, "by_hash", lambda config, sha256: taken if sha256 == taken.sha256 else None)
    monkeypatch.setattr(
        runs, "take", lambda *a, **more: given.append(a[2]) or real(*a, **more | {"options": QUICK})
    )
    job.run(here, task.task_id)

    assert given == [taken]
    with database.begin() as session:
        assert tasks.by_id(session, task.task_id).state == "done"


def test_a_task_that_another_worker_has_is_looked_at_later(here, programme, monkeypatch):
    with database.begin() as session:
        task = tasks.ask(session, given_person("analyst"), programme, clock.now())
    monkeypatch.setattr(job, "_run", None)

    with job.locks.held(f"analysis task {task.task_id}"):
        job.run(here, task.task_id)

    assert len(waiting_jobs()) == 2
    with database.begin() as session:
        assert tasks.by_id(session, task.task_id).state == "waiting"


def test_a_task_of_more_than_a_day_is_given_up_when_somebody_asks_again(here, programme):
    person = given_person("analyst")
    with database.begin() as session:
        old = tasks.ask(session, person, programme, clock.now() - timedelta(days=2))
    with database.begin() as session:
        fresh = tasks.ask(session, person, programme, clock.now())

    assert fresh.task_id != old.task_id
    with database.begin() as session:
        assert tasks.by_id(session, old.task_id).reason == "given-up"


# Each night


def test_each_night_two_workers_ask_for_one_run_of_each_programme(here, programme):
    given_programme("mzone")
    both = threading.Barrier(2)

    def worker():
        both.wait()
        job.nightly(here)

    with clock.stopped(AT_NIGHT):
        threads = [threading.Thread(target=worker) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert job.nightly(here) is False

    with database.begin() as session:
        nights = session.execute(select(AnalysisTask.night, AnalysisTask.asked_by)).all()
    assert nights == [(AT_NIGHT.date(), "night")] * 2
    assert len(waiting_jobs()) == 2


def test_by_day_nothing_is_asked_for(here, programme):
    with clock.stopped(AT_NIGHT + timedelta(hours=6)):
        job.nightly(here)

    assert waiting_jobs() == []


def test_all_programmes_of_a_night_are_told_of_by_one_snapshot(here, programme, monkeypatch):
    other = given_programme("mzone")
    given_member(here, programme, points=10)
    given_member(here, other, points=10)
    real, count = snapshot.take, []
    monkeypatch.setattr(snapshot, "take", lambda *a: count.append(1) or real(*a))

    with clock.stopped(AT_NIGHT):
        job.nightly(here)
        for args in waiting_jobs():
            job.run(here, args["task_id"])

    assert len(count) == 1


# Who may


def test_only_an_analyst_of_all_areas_asks(app, programme):
    auditor, local = caller(app, staff_token("auditor")), caller(app, staff_token("analyst", area="3301"))

    assert auditor.post("/v1/retention/runs", {"programme": "gotone"}).status_code == 403
    assert (
        local.post("/v1/retention/runs", {"programme": "gotone"}).json["type"] == "/problems/for-headquarters"
    )
    with pytest.raises(ForHeadquarters), database.begin() as session:
        tasks.ask(session, given_person("analyst", area="3301"), programme, clock.now())
    with database.begin() as session:
        assert session.scalar(select(func.count()).select_from(AnalysisTask)) == 0


def test_a_system_of_another_programme_sees_neither_run_nor_task(app, here, taking):
    run = taking()
    with database.begin() as session:
        programme = SimpleNamespace(programme_id=run.programme_id)
        task = tasks.ask(session, given_person("analyst"), programme, clock.now())
    stranger = caller(app, service_key(given_programme("mzone"), "retention:read"))
    analyst = caller(app, staff_token("analyst"))

    for place in (f"runs/{runs.reference(run.run_id)}", f"tasks/{tasks.reference(task.task_id)}"):
        assert analyst.get(f"/v1/retention/{place}").status_code == 200
        assert stranger.get(f"/v1/retention/{place}").status_code == 404
    assert stranger.get("/v1/retention/runs", programme="gotone").status_code == 404


def test_stored_runs_are_listed_page_by_page_the_newest_first(app, taking):
    made = [
        taking(options=Options(min_history=3, horizon=4, draws=5, landmarks=(), variants=False, seed=seed))
        for seed in (1, 2, 3)
    ]
    analyst = caller(app, staff_token("analyst"))

    first = analyst.get("/v1/retention/runs", programme="gotone", limit=2).json
    rest = analyst.get("/v1/retention/runs", programme="gotone", limit=2, cursor=first["next_cursor"]).json

    assert [one["id"] for one in first["data"] + rest["data"]] == [
        runs.reference(run.run_id) for run in reversed(made)
    ]
    assert (first["has_more"], rest["has_more"], rest["next_cursor"]) == (True, False, None)
    assert "report" not in first["data"][0]


# The command


def test_the_command_uses_the_latest_snapshot_takes_one_where_there_is_none_and_anew_when_told_to(
    cli, here, programme, monkeypatch
):
    monkeypatch.setenv("JIFEN_DATA", str(here.data_dir))
    given_member(here, programme, points=10)

    def names():
        return sorted(path.name for path in snapshot.place(here).iterdir())

    cli("retention", "--quiet")
    first = names()
    cli("retention", "--quiet")
    again = names()
    cli("retention", "--quiet", "--fresh")

    assert len(first) == 1
    assert again == first
    assert len(names()) == 2


def test_without_duckdb_the_command_says_that_postgresql_does_its_work(cli, here, programme, monkeypatch):
    monkeypatch.setenv("JIFEN_DATA", str(here.data_dir))
    monkeypatch.setattr(engines, "installed", lambda: engines.POSTGRESQL)

    assert "PostgreSQL does its work" in cli("retention").stderr
