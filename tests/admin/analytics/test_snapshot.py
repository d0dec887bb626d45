"""Snapshots: one moment for all tables, whole or not there at all, numbers alone, and only what the analysis needs."""

import csv
import json
import threading
from datetime import timedelta

import pytest

from admin.analytics import snapshot
from admin.analytics.prices import Version, month_of, of_programme
from admin.analytics.snapshot_queries import BALANCE, COLUMNS, KINDS, QUERIES, RISK
from base import clock, database
from catalog.rates.models import Rate
from points.members import attributes
from points.members import members as members_
from tests.admin.analytics.panels import quiet
from tests.given import (
    LONG_AGO,
    caller,
    given_group,
    given_member,
    given_offer,
    given_points,
    given_programme,
    member_token,
)


@pytest.fixture
def here(db, tmp_path):
    """The configuration, with a folder of its own for snapshots."""
    return db.at(data_dir=tmp_path)


def table(taken, name):
    with open(taken.table(name), newline="") as file:
        columns = COLUMNS.get(name) or ("programme_id", "kind", "month", "points")
        return [dict(zip(columns, map(int, row), strict=True)) for row in csv.reader(file)]


def test_a_snapshot_holds_members_balances_bills_redemptions_and_prices(app, here):
    programme = given_programme()
    member_id = given_member(here, programme, points=700)
    given_member(here, programme)
    offer = given_offer(programme, "perk", value_fen=500)
    with database.begin() as session:
        attributes.add_many(session, {(member_id, "risk", LONG_AGO): "3"})
    asked = caller(app, member_token(member_id))
    assert asked.redeem(offer).status_code == 201

    taken = snapshot.take(here, quiet())

    now = month_of(clock.day(clock.now(), programme.zone))
    assert len(table(taken, "member")) == 2
    assert {(row["what"], row["month"], row["value"]) for row in table(taken, "fact") if row["member_id"] == member_id} == {
        (BALANCE, now + 1, 200), (RISK, month_of(LONG_AGO), 3),
    }  # fmt: skip
    (redeemed,) = table(taken, "redemption")
    assert (KINDS[redeemed["kind"]], redeemed["points"], redeemed["cost_fen"], redeemed["undone_month"]) == (
        "club",
        500,
        500,
        -1,
    )
    assert {row["points"] for row in table(taken, "price") if row["kind"] == KINDS.index("club")} == {500}
    assert taken.of(programme.programme_id).code == "gotone"


def test_a_cancelled_redemption_tells_in_which_month_it_was_undone(app, here):
    programme = given_programme()
    member_id = given_member(here, programme, points=700)
    offer = given_offer(programme, "perk", value_fen=500)
    asked = caller(app, member_token(member_id))
    redemption = asked.redeem(offer).json["id"]
    assert asked.post(f"/v1/redemptions/{redemption}/cancel").status_code == 200

    (row,) = table(snapshot.take(here, quiet()), "redemption")

    assert row["undone_month"] == row["month"]


def test_groups_are_left_out_for_they_are_no_persons(here):
    programme = given_programme()
    person = given_member(here, programme, points=10)
    given_group(here, programme, points=100, caps={person: 10})

    taken = snapshot.take(here, quiet())

    assert [row["member_id"] for row in table(taken, "member")] == [person]
    assert {row["member_id"] for row in table(taken, "fact")} == {person}


def test_nothing_in_it_is_personal(here):
    programme = given_programme()
    member_id = given_member(here, programme, points=10, phone="13912345678")
    with database.begin() as session:
        customer = members_.by_id(session, member_id).customer_id

    taken = snapshot.take(here, quiet())
    written = b"".join(path.read_bytes() for path in taken.folder.iterdir())

    assert customer.encode() not in written
    assert b"13912345678" not in written
    for name in QUERIES:
        assert set(taken.table(name).read_text()) <= set("0123456789-,\n"), name


def test_whatever_is_written_meanwhile_all_tables_tell_of_one_moment(here, monkeypatch):
    programme = given_programme()
    members = [given_member(here, programme, points=100) for _ in range(3)]
    real = snapshot._table

    def slow(driver, query, path):
        found = real(driver, query, path)
        if path.stem == "member":  # the members are copied; now another connection writes and commits
            other = threading.Thread(
                target=lambda: (given_member(here, programme, points=900), given_points(members[0], 50))
            )
            other.start()
            other.join()
        return found

    monkeypatch.setattr(snapshot, "_table", slow)
    taken = snapshot.take(here, quiet())
    monkeypatch.undo()
    after = snapshot.take(here, quiet())

    balances = {row["member_id"]: row["value"] for row in table(taken, "fact")}
    assert balances == dict.fromkeys(members, 100)
    assert len(table(after, "member")) == 4
    assert {row["value"] for row in table(after, "fact")} == {100, 150, 900}


def test_a_snapshot_that_was_broken_off_is_never_used_and_leaves_nothing(here, monkeypatch):
    programme = given_programme()
    given_member(here, programme, points=100)

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(snapshot.prices, "lowest", dies)
    with pytest.raises(KeyboardInterrupt):
        snapshot.take(here, quiet())

    assert snapshot.latest(here, programme.programme_id) is None
    assert list(snapshot.place(here).iterdir()) == []


def test_what_a_killed_process_left_is_not_seen_and_swept_away_later(here):
    programme = given_programme()
    given_member(here, programme, points=100)
    left = snapshot.place(here) / ".0123"
    left.mkdir(parents=True)
    (left / "member.csv").write_text("1,2\n")

    assert snapshot.latest(here, programme.programme_id) is None
    snapshot.take(here, quiet())
    assert left.exists()
    with clock.stopped(clock.now() + timedelta(days=1)):
        snapshot.take(here, quiet())
    assert not left.exists()


def test_the_latest_is_the_newest_whole_one_that_tells_of_the_programme(here):
    programme = given_programme()
    given_member(here, programme, points=100)
    first = snapshot.take(here, quiet())
    with clock.stopped(clock.now() + timedelta(seconds=5)):
        second = snapshot.take(here, quiet())

    assert snapshot.latest(here, programme.programme_id) == second
    assert snapshot.latest(here, programme.programme_id + 1) is None
    assert snapshot.by_hash(here, first.sha256) == first
    (second.folder / snapshot.MANIFEST).write_text("{")
    assert snapshot.latest(here, programme.programme_id) == first


def test_a_changed_table_or_manifest_is_found_out(here):
    given_member(here, given_programme(), points=100)
    taken = snapshot.take(here, quiet())
    snapshot.prove(taken)

    taken.table("fact").write_text("1,0,24000,5\n")
    with pytest.raises(snapshot.SnapshotBroken, match="fact"):
        snapshot.prove(taken)
    manifest = json.loads((taken.folder / snapshot.MANIFEST).read_text())
    manifest["as_of"] = "2020-01-01T00:00:00+00:00"
    (taken.folder / snapshot.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(snapshot.SnapshotBroken):
        snapshot.read(taken.folder)


def test_only_the_last_seven_are_kept(here):
    given_member(here, given_programme(), points=100)
    for second in range(snapshot.KEPT + 2):
        with clock.stopped(clock.now() + timedelta(seconds=second)):
            snapshot.take(here, quiet())

    assert len(list(snapshot.place(here).iterdir())) == snapshot.KEPT


# What the cheapest offer cost


def rate(points, from_day, until=None, **scope):
    return Rate(
        rate_id=0, programme_id=1, offer_id=scope.get("offer_id"), points=points, per_fen=100, from_day=from_day,
        until_day=until, area=scope.get("area", ""), kind=scope.get("kind"), tier=scope.get("tier"),
    )  # fmt: skip


def test_the_price_of_a_kind_is_the_lowest_of_its_offers_on_any_day_on_which_something_changed():
    day = clock.now().date().replace(year=2024, month=3, day=1)
    versions = [
        Version(1, 1, "bill_credit", 1_000, day, None),
        Version(1, 2, "voucher", 900, day, None),
        Version(1, 3, "voucher", 500, day.replace(day=15), day.replace(month=4, day=20)),
    ]
    held = [
        rate(100, LONG_AGO, day.replace(month=4, day=9)), rate(80, day.replace(month=4, day=10)),
        rate(10, LONG_AGO, tier="gold"),
    ]  # fmt: skip

    found = of_programme(versions, held, day.replace(month=5, day=2))

    first = month_of(day)
    assert found == {
        (0, first): 1_000, (0, first + 1): 800, (0, first + 2): 800,
        (1, first): 500, (1, first + 1): 400, (1, first + 2): 720,
    }  # fmt: skip


def test_a_price_that_changed_is_known_with_its_month(tmp_path):
    file = tmp_path / "price.csv"
    file.write_text(
        "".join(f"1,0,{month},{300 if month < 105 else 200}\n" for month in range(100, 110)) + "2,1,100,5\n"
    )

    assert snapshot.prices.changed(file, 1) == {"bill": 105}
    assert snapshot.prices.changed(file, 2) == {}
