"""Groups over HTTP: the operator's systems set them up, spenders see theirs, and nobody else learns that they are there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text

from base import clock, database, ids
from points.caps import next_month
from points.groups import groups
from points.kinds import State
from points.ledger import set_state
from points.members import members
from tests.given import (
    ZONE,
    Caller,
    caller,
    given_group,
    given_member,
    given_offer,
    given_programme,
    member_token,
    service_key,
)


@dataclass
class World:
    """A programme with a system that manages groups, and two members."""

    system: Caller
    other_system: Caller
    company: str
    ann: str
    ann_id: int
    ann_calls: Caller
    ben: str
    ben_id: int
    ben_calls: Caller

    def set_up(self, **more: str) -> str:
        body = {"customer_id": self.company, "name": "Acme", "class": "top"} | more
        return str(self.system.post("/v1/groups", body).json["id"])

    def with_spender(self, cap: int = 500) -> str:
        group = self.set_up()
        self.system.post(f"/v1/groups/{group}/contacts", {"customer_id": self.ann, "rank": "senior"})
        self.system.post(f"/v1/groups/{group}/spenders", {"customer_id": self.ann, "cap_points": cap})
        return group


@pytest.fixture
def world(app, db) -> World:
    programme, other = given_programme(), given_programme("other")
    company_id = given_member(db, programme, points=1000)
    ann_id, ben_id = given_member(db, programme), given_member(db, programme)
    with database.begin() as session:
        company, ann, ben = (members.by_id(session, m).customer_id for m in (company_id, ann_id, ben_id))
    return World(
        caller(app, service_key(programme, "groups:manage")),
        caller(app, service_key(other, "groups:manage")),
        company, ann, ann_id, caller(app, member_token(ann_id)), ben, ben_id, caller(app, member_token(ben_id)),
    )  # fmt: skip


def kind_of(answer) -> str:
    return f"{answer.status_code} {answer.json['type'].removeprefix('/problems/')}"


def resets_on() -> str:
    return str(next_month(clock.day(clock.now(), ZONE)))


def rows(table: str) -> int:
    with database.begin() as session:
        return session.scalar(text(f"select count(*) from {table}")) or 0


# Set up by the operator's systems


def test_a_group_is_set_up_and_saying_it_again_changes_its_name_and_class(world):
    first = world.system.post("/v1/groups", {"customer_id": world.company, "name": "Acme", "class": "b"})
    again = world.system.post(
        "/v1/groups", {"customer_id": world.company, "name": "Acme Ltd", "class": "top"}
    )

    assert (first.status_code, first.json["name"], first.json["class"]) == (200, "Acme", "b")
    assert again.json == first.json | {"name": "Acme Ltd", "class": "top"}
    assert world.system.get(f"/v1/groups/{first.json['id']}").json == again.json
    assert world.system.get("/v1/groups").json["data"] == [again.json]
    assert rows("group_profile") == 1


def test_a_contact_has_a_rank_and_another_rank_is_another_row(world):
    group = world.set_up()

    for rank in ("ordinary", "ordinary", "senior"):
        told = world.system.post(f"/v1/groups/{group}/contacts", {"customer_id": world.ann, "rank": rank})
        assert (told.status_code, told.json["rank"], told.json["allowance"]) == (200, rank, None)

    assert rows("group_contact") == 2
    (listed,) = world.system.get(f"/v1/groups/{group}/contacts").json["data"]
    assert (listed["customer_id"], listed["rank"]) == (world.ann, "senior")


def test_a_spender_has_a_cap_and_another_cap_is_another_row(world):
    group = world.with_spender(500)

    again = world.system.post(f"/v1/groups/{group}/spenders", {"customer_id": world.ann, "cap_points": 500})
    raised = world.system.post(f"/v1/groups/{group}/spenders", {"customer_id": world.ann, "cap_points": 800})

    whole = {"cap_points": 500, "spent_points": 0, "left_points": 500, "resets_on": resets_on()}
    assert again.json["allowance"] == whole
    assert raised.json["allowance"] == whole | {"cap_points": 800, "left_points": 800}
    assert rows("spender") == 2


def test_a_spender_may_have_a_cost_centre_and_keeps_it_until_another_is_named(world):
    group = world.with_spender(500)
    body = {"customer_id": world.ann, "cap_points": 500}

    told = [
        world.system.post(f"/v1/groups/{group}/spenders", body | more).json["cost_centre"]
        for more in ({}, {"cost_centre": "K1"}, {"cap_points": 600}, {"cost_centre": "K2"})
    ]

    assert told == [None, "K1", "K1", "K2"]
    assert world.system.get(f"/v1/groups/{group}/contacts").json["data"][0]["cost_centre"] == "K2"


def test_only_a_contact_can_spend_and_who_ends_as_a_contact_ends_as_a_spender(world):
    group = world.with_spender()
    told = world.system.post(f"/v1/groups/{group}/spenders", {"customer_id": world.ben, "cap_points": 5})
    ann = ids.public("mbr", world.ann_id)

    ended = world.system.post(f"/v1/groups/{group}/contacts/{ann}/end")

    assert kind_of(told) == "409 spender-no-contact"
    assert (ended.status_code, ended.json) == (200, {"member": ann, "state": "ended"})
    assert world.system.get(f"/v1/groups/{group}/contacts").json["data"] == []
    assert world.ann_calls.get("/v1/members/me/groups").json == []
    assert kind_of(world.system.post(f"/v1/groups/{group}/contacts/{ann}/end")) == "404 contact-unknown"
    with database.begin() as session:
        assert session.scalar(text("select count(*) from spender where until is null")) == 0
    assert (rows("spender"), rows("group_contact")) == (1, 1)


def test_a_spender_ends_and_stays_a_contact(world):
    group, ann = world.with_spender(), ids.public("mbr", world.ann_id)

    for _ in range(2):
        assert world.system.post(f"/v1/groups/{group}/spenders/{ann}/end").status_code == 200

    (listed,) = world.system.get(f"/v1/groups/{group}/contacts").json["data"]
    assert listed["allowance"] is None
    assert kind_of(world.ann_calls.get(f"/v1/groups/{group}/wallet")) == "403 spending-not-allowed"


def test_a_change_is_made_once_for_its_key(world):
    group = world.with_spender(500)
    path, body = f"/v1/groups/{group}/spenders", {"customer_id": world.ann, "cap_points": 700}

    first = world.system.post(path, body, key="one")
    world.system.post(path, body | {"cap_points": 900})
    again = world.system.post(path, body, key="one")

    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert kind_of(world.system.post(path, body | {"cap_points": 1}, key="one")) == "422 key-reused"
    (listed,) = world.system.get(f"/v1/groups/{group}/contacts").json["data"]
    assert listed["allowance"]["cap_points"] == 900


def test_each_change_is_kept_with_who_made_it(world):
    group, ann = world.with_spender(500), ids.public("mbr", world.ann_id)
    world.system.post(f"/v1/groups/{group}/spenders/{ann}/end")
    world.system.post(f"/v1/groups/{group}/contacts/{ann}/end")

    with database.begin() as session:
        kept = session.execute(
            text("select action, subject, facts, actor from audit order by audit_id")
        ).all()

    assert [row[0] for row in kept] == [
        "group.set-up", "group.contact", "group.spender", "group.spender-ended", "group.contact-ended",
    ]  # fmt: skip
    assert {row[1] for row in kept} == {group}
    assert kept[2][2] == {"spender": ann, "cap_points": 500}
    assert all(row[3].startswith("service:") for row in kept)


def test_another_programmes_system_finds_neither_group_nor_member(world):
    group, ann = world.with_spender(), ids.public("mbr", world.ann_id)
    posts = {
        "/v1/groups": {"customer_id": world.company, "name": "Mine", "class": "a"},
        f"/v1/groups/{group}/contacts": {"customer_id": world.ann, "rank": "senior"},
        f"/v1/groups/{group}/spenders": {"customer_id": world.ann, "cap_points": 10**6},
        f"/v1/groups/{group}/contacts/{ann}/end": None,
        f"/v1/groups/{group}/spenders/{ann}/end": None,
    }

    told = {path: kind_of(world.other_system.post(path, body)) for path, body in posts.items()}
    read = {kind_of(world.other_system.get(f"/v1/groups/{group}{more}")) for more in ("", "/contacts")}

    assert told.pop("/v1/groups") == "404 member-unknown"
    assert set(told.values()) | read == {"404 group-unknown"}
    assert world.other_system.get("/v1/groups").json["data"] == []


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("", {"customer_id": "nobody", "name": "x", "class": "a"}, "404 member-unknown"),
        ("", {"customer_id": "{ann}", "name": "x", "class": "d"}, "422 invalid"),
        ("", {"customer_id": "{ann}", "name": "", "class": "a"}, "422 invalid"),
        ("", {"customer_id": "{ann}", "name": "x"}, "422 invalid"),
        ("", {"customer_id": "{ann}", "name": "x", "class": "a", "points": 5}, "422 invalid"),
        ("/{group}/contacts", {"customer_id": "{ann}", "rank": "boss"}, "422 invalid"),
        ("/{group}/contacts", {"customer_id": "nobody", "rank": "senior"}, "404 member-unknown"),
        ("/{group}/contacts", {"customer_id": "{company}", "rank": "senior"}, "409 group-itself"),
        ("/{group}/spenders", {"customer_id": "{ann}", "cap_points": -1}, "422 invalid"),
        ("/{group}/spenders", {"customer_id": "{ann}", "cap_points": 1.5}, "422 invalid"),
        ("/{group}/spenders", {"customer_id": "{ann}", "cap_points": 2**63}, "422 invalid"),
        ("/{group}/spenders", {"customer_id": "{ann}", "cap_points": "5"}, "422 invalid"),
        ("/grp_0000000000000/contacts", {"customer_id": "{ann}", "rank": "senior"}, "404 group-unknown"),
        ("/mbr_0000000000000/contacts", {"customer_id": "{ann}", "rank": "senior"}, "404 not-found"),
    ],
)
def test_what_cannot_be_is_refused_by_name(world, path, body, told):
    group = world.set_up()
    said = {
        name: value.format(ann=world.ann, company=world.company) if isinstance(value, str) else value
        for name, value in body.items()
    }

    assert kind_of(world.system.post(f"/v1/groups{path.format(group=group)}", said)) == told


def test_a_member_who_left_is_not_made_a_contact_and_a_closed_programme_takes_no_change(world, db):
    group = world.set_up()
    with database.begin() as session:
        members.leave(session, world.ben_id, clock.day(clock.now(), ZONE))
    body = {"customer_id": world.ben, "rank": "senior"}
    assert kind_of(world.system.post(f"/v1/groups/{group}/contacts", body)) == "404 member-unknown"

    with database.begin() as session:
        session.execute(text("update programme set closed_at = now()"))

    body = {"customer_id": world.ann, "rank": "senior"}
    assert kind_of(world.system.post(f"/v1/groups/{group}/contacts", body)) == "409 programme-closed"
    body = {"customer_id": world.company, "name": "x", "class": "a"}
    assert kind_of(world.system.post("/v1/groups", body)) == "409 programme-closed"


def test_lists_go_on_by_cursor(world):
    group = world.set_up()
    for customer in (world.ann, world.ben):
        world.system.post(f"/v1/groups/{group}/contacts", {"customer_id": customer, "rank": "senior"})

    first = world.system.get(f"/v1/groups/{group}/contacts", limit=1).json
    second = world.system.get(f"/v1/groups/{group}/contacts", limit=1, cursor=first["next_cursor"]).json

    assert [one["customer_id"] for one in first["data"] + second["data"]] == [world.ann, world.ben]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    crossed = world.system.get("/v1/groups", cursor=first["next_cursor"])
    assert kind_of(crossed) == "400 cursor-unknown"


def test_eight_changes_of_one_spender_at_once_leave_one_present_row(world):
    group = world.with_spender(500)

    with ThreadPoolExecutor(8) as together:
        told = list(
            together.map(
                lambda cap: Caller(world.system.client.application.test_client(), world.system.token).post(
                    f"/v1/groups/{group}/spenders", {"customer_id": world.ann, "cap_points": cap}
                ),
                range(1, 9),
            )
        )

    assert {answer.status_code for answer in told} == {200}
    with database.begin() as session:
        assert session.scalar(text("select count(*) from spender where until is null")) == 1
    assert rows("spender") == 9


# As its spenders see it


def test_a_spender_sees_the_groups_and_what_is_left(world, db):
    programme_group = world.with_spender(500)
    mine = world.ann_calls.get("/v1/members/me/groups").json

    assert mine == [
        {
            "id": programme_group,
            "name": "Acme",
            "allowance": {
                "cap_points": 500, "spent_points": 0, "left_points": 500, "resets_on": resets_on(),
            },
        }
    ]  # fmt: skip
    assert world.ben_calls.get("/v1/members/me/groups").json == []


def test_a_spender_sees_the_wallet_and_what_he_spent_of_it_himself(app, db):
    programme = given_programme()
    ann_id, ben_id = given_member(db, programme, points=7), given_member(db, programme)
    group = ids.public("grp", given_group(db, programme, points=1000, caps={ann_id: 500, ben_id: 500}))
    ann, ben = caller(app, member_token(ann_id)), caller(app, member_token(ben_id))
    offers = [given_offer(programme, "perk", value_fen=fen) for fen in (100, 30)]
    made = ann.redeem(offers[0], group=group).json["id"]
    ben.redeem(offers[1], group=group)
    ann.redeem(offers[1], group=group)
    ann.post(f"/v1/redemptions/{made}/cancel")

    shown = ann.get(f"/v1/groups/{group}/wallet").json
    own, of_ben = (who.get(f"/v1/groups/{group}/postings").json for who in (ann, ben))

    assert (shown["spendable"], shown["allowance"]["spent_points"], shown["allowance"]["left_points"]) == (
        940,
        30,
        470,
    )
    assert [(row["kind"], row["points"]) for row in own["data"]] == [
        ("reverse", 100), ("redeem", -30), ("redeem", -100),
    ]  # fmt: skip
    assert [(row["kind"], row["points"]) for row in of_ben["data"]] == [("redeem", -30)]
    assert ann.spendable() == 7
    page = ann.get(f"/v1/groups/{group}/postings", limit=2).json
    rest = ann.get(f"/v1/groups/{group}/postings", limit=2, cursor=page["next_cursor"]).json
    assert page["data"] + rest["data"] == own["data"]


def test_nobody_but_a_contact_learns_that_a_group_is_there(world):
    group = world.with_spender()
    nowhere = ids.public("grp", 5)

    for path in ("wallet", "postings"):
        there, not_there = (world.ben_calls.get(f"/v1/groups/{g}/{path}") for g in (group, nowhere))
        assert kind_of(there) == kind_of(not_there) == "404 group-unknown"
        assert there.json["detail"] == not_there.json["detail"]


def test_a_contact_who_may_not_spend_sees_no_wallet(world):
    group = world.set_up()
    world.system.post(f"/v1/groups/{group}/contacts", {"customer_id": world.ann, "rank": "senior"})

    assert kind_of(world.ann_calls.get(f"/v1/groups/{group}/wallet")) == "403 spending-not-allowed"
    assert world.ann_calls.get(f"/v1/groups/{group}/postings").json["data"] == []


def test_a_spender_of_a_frozen_group_still_sees_it(world):
    group = world.with_spender()
    with database.begin() as session:
        set_state(session, ids.parse("grp", group, parts=1)[0], State.FROZEN)

    assert world.ann_calls.get(f"/v1/groups/{group}/wallet").json["state"] == "frozen"


def test_a_row_never_ends_before_it_began(world, db):
    group_id = ids.parse("grp", world.with_spender(), parts=1)[0]
    with database.begin() as session:  # a machine whose clock is behind
        group = groups.find(session, members.by_id(session, group_id).programme_id, group_id)
        groups.end_contact(session, group, world.ann_id, clock.now() - timedelta(days=1), "test")

    with database.begin() as session:
        assert session.scalar(text("select count(*) from spender where until = since")) == 1
