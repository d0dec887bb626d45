"""The benchmark itself, at its smallest: it runs, its members are the ledger's, its file keeps what others found."""

import json

import pytest

from admin.console.views.views import PLACES
from bench import __main__ as bench
from bench import lists, results
from bench.plans import FULL, PLANS, TINY, short, with_ten_million
from bench.population import LOTS, Populations
from bench.server import running
from bench.sizing import DEEDS


@pytest.fixture
def file(tmp_path):
    """A file of results in which an earlier run of other parts left something."""
    path = tmp_path / "results" / "latest.json"
    before = {"commit": "c0", "at": "2026-01-01T00:00:00+00:00", "plan": "full"}
    results.keep("http", {"reads_over_writes": 3.0}, {"reads_per_s": 100.0}, before, path)
    return path


@pytest.mark.torture
def test_a_part_writes_its_own_keys_and_leaves_those_of_others(file, capsys):
    bench.main(["--only", "growth", "log", "--plan", "tiny", "--results", str(file)])

    found = json.loads(file.read_text())
    assert set(found) == {"ratios", "figures", "machine"}
    assert set(found["ratios"]) == {"growth_1200_over_600", "reads_over_writes"}
    assert found["figures"]["reads_per_s"] == 100
    assert {"batch_per_s_at_600", "batch_per_s_at_1200", "wal_bytes_redeem"} <= set(found["figures"])
    assert all(
        type(value) in (int, float) for part in ("ratios", "figures") for value in found[part].values()
    )
    assert all(value > 0 for value in found["figures"].values())
    assert {"postgresql", "settings", "cores", "commit", "python", "plan"} <= set(found["machine"])
    assert found["machine"]["settings"]["fsync"] == "on"
    assert set(found["machine"]["runs"]) == {"http", "growth", "log"}
    assert found["machine"]["runs"]["http"]["commit"] == "c0"
    assert "wal_bytes_redeem" in capsys.readouterr().out


@pytest.mark.torture
def test_a_list_of_members_is_measured(file):
    bench.main(["--only", "members", "--plan", "tiny", "--results", str(file)])

    figures = json.loads(file.read_text())["figures"]
    assert figures["members_enrolled"] == TINY.enrolled
    assert figures["members_s_per_million"] > 0


@pytest.mark.torture
def test_the_costs_of_every_deed_are_measured(file):
    bench.main(["--only", "costs", "--plan", "tiny", "--results", str(file)])

    figures = json.loads(file.read_text())["figures"]
    assert all(
        figures[f"cost_{deed}_{what}"] > 0 for deed in DEEDS for what in ("python_ms", "statements", "times")
    )
    assert all(
        figures[f"cost_{deed}_rows"] >= 1 for deed in ("line_filed", "redeem_voucher", "accept", "gift")
    )
    assert figures["cost_balance_rows"] == 0


@pytest.mark.torture
def test_a_replay_is_measured(file):
    bench.main(["--only", "replay", "--plan", "tiny", "--results", str(file)])

    figures = json.loads(file.read_text())["figures"]
    assert figures["replay_redemptions"] == TINY.members * 3 // 2
    assert figures["replay_s"] > 0


@pytest.mark.torture
def test_the_analysis_is_measured_from_the_snapshot_to_the_stored_run(file):
    bench.main(["--only", "analytics", "--plan", "tiny", "--results", str(file)])

    figures = json.loads(file.read_text())["figures"]
    assert figures["analytics_members"] == 1_500
    assert figures["analytics_rows_differing"] == 0
    assert all(
        figures[name] > 0 for name in ("analytics_run_s", "analytics_megabytes", "analytics_get_p95_ms")
    )


@pytest.mark.torture
def test_the_examination_of_the_estimators_is_kept_with_what_it_missed(file):
    bench.main(["--only", "selftest", "--plan", "tiny", "--results", str(file)])

    figures = json.loads(file.read_text())["figures"]
    assert figures["selftest_goals_missed"] >= 0
    assert figures["selftest_null_raw_gap_out_of_nothing_pp"] < -30
    assert figures["selftest_null_runs"] == 1
    assert figures["selftest_main_same_members_and_seed_same_bytes_percent"] == 100


@pytest.mark.torture
def test_members_copied_by_the_server_have_the_lots_of_the_first_one():
    with running() as server:
        people = Populations(server, lambda text: None).of(
            40, history=True
        )  # proves chains and wallets itself
        with server.admin(people.database) as admin:
            same = admin.execute(
                "select count(*), count(distinct lot_key), count(distinct head), min(member_id), max(seq), min(balance) "
                "from wallet"
            ).fetchone()
            postings = admin.execute("select count(*), count(distinct hash) from posting").fetchone()

    assert same == (40, 1, 40, people.members[0], len(LOTS), 1_200_000)
    assert postings == (40 * len(LOTS), 40 * len(LOTS))


def test_a_target_is_met_or_not():
    said = results.table(
        {"batch_over_tpcb": 4.0, "growth_1m_over_10k": 1.31, "mine": 2.0}, {"tpcb_per_s": 5.0}
    )

    assert [line.split()[0] for line in said] == [
        "tpcb_per_s",
        "batch_over_tpcb",
        "growth_1m_over_10k",
        "mine",
    ]
    assert said[1].endswith("at least 4: met")
    assert said[2].endswith("at most 1.3: NOT MET")
    assert said[3].endswith("no target")


def test_every_ratio_of_the_full_plan_has_a_target():
    sizes = with_ten_million(FULL).growth
    ratios = {f"growth_{short(size)}_over_{short(sizes[0])}" for size in sizes[1:]}
    ratios |= {
        f"{ours}_over_{other}" for ours in ("batch", "single") for other in ("tpcb", "pgledger", "hordak")
    }

    assert ratios | {"import_over_copy", "sweep_due_ratio"} <= set(results.TARGETS)


def test_a_topic_is_all_its_parts_and_a_wrong_name_is_refused(capsys):
    assert (
        bench._parts([])
        == [
            *bench._parts(["ledger"]),
            "tiers",
            "members",
            "lists",
            "intake",
            "people",
            "http",
            "pages",
            "overload",
            "till",
            "settlement",
            "costs",
            "promises",
            "replay",
            "analytics",
            "selftest",
        ]
        == list(bench.PARTS)
    )
    assert bench._parts(["sweep", "growth"]) == ["growth", "sweep"]
    assert set(PLANS) == {"full", "quick", "tiny"}
    assert TINY.growth[-1] < 10_000
    with pytest.raises(SystemExit):
        bench.main(["--only", "weather"])
    assert "weather" in capsys.readouterr().err


@pytest.mark.torture
def test_every_list_is_opened_and_the_slowest_is_told(file):
    bench.main(["--only", "lists", "--plan", "tiny", "--results", str(file)])

    figures = json.loads(file.read_text())["figures"]
    assert figures["lists_members"] == 1_200
    assert figures["lists_opened"] > 100
    assert figures["lists_slowest_p95_ms"] >= figures["lists_tickets_p95_ms"] > 0


def test_what_is_measured_is_read_off_the_map_and_what_is_left_out_is_there(app):
    found = {name for name, _path in lists.addresses(app)}
    rules = {rule.rule.removeprefix(lists.PREFIX) for rule in app.url_map.iter_rules()}

    assert {place.removeprefix(lists.PREFIX) for place in PLACES} | set(lists.FILTERS) <= found
    assert rules >= lists.APART
    assert not found & lists.APART
