"""Who may do what: given by two persons, taken by one, never one's own; conflicts are not saved; the monthly review."""

import csv
import io
import itertools
import json
import re
from datetime import timedelta

import pytest

from admin.staff import access, entries, review
from admin.staff.access import AccessElsewhere, NoLinkNeeded, OwnAccess, PersonThere, Wanted
from admin.staff.models import NO_PASSWORD, PASSWORD, AccessReview, StaffRow
from base import clock, database
from base.approvals import approvals
from base.approvals.approvals import ForHeadquarters, OwnProposal
from base.auth import roles, sign_ins
from base.auth.principals import ANONYMOUS, Staff
from base.auth.roles import RoleNotGivenThere, RolesInConflict, UnknownRoles
from base.errors import Invalid, NotAllowed
from tests.given import given_person, staff_token
from tests.second_factor import given_second_factor

ZONE = "Asia/Shanghai"


@pytest.fixture
def administrator(db):
    return given_person("system-administrator", email="administrator@example.test")


@pytest.fixture
def guard(db):
    return given_person("security", email="guard@example.test")


def wanted(**changes):
    usual = {
        "email": "new@example.test",
        "name": "New",
        "roles": ("support",),
        "area": "3301",
        "reason": "joins",
    }
    return Wanted(**(usual | changes))


def proposed(person, of=None, **changes):
    with database.begin() as session:
        row = session.get_one(StaffRow, of.staff_id) if of else None
        if row is not None:
            changes = {"email": row.email, "name": row.name} | changes
        return access.propose(session, person, wanted(**changes), clock.now(), of=row).proposal


def approved(person, proposal):
    with database.begin() as session:
        approvals.approve(session, person, proposal.proposal_id, proposal.content_hash.hex(), clock.now())


def by_mail(email):
    with database.begin() as session:
        return session.query(StaffRow).filter_by(email=email).one_or_none()


def signed_in(person, of=entries.HERE, at=None):
    with database.begin() as session:
        return entries.begin(session, person.staff_id, of, PASSWORD, at or clock.now())


def who(token):
    with database.begin() as session:
        return sign_ins.find(session, token, clock.now())


# Roles


@pytest.mark.parametrize(
    "pair",
    [
        ("auditor", "rate-maker"),
        ("auditor", "checker"),
        ("auditor", "support"),
        ("system-administrator", "security"),
        ("system-administrator", "auditor"),
        ("security", "auditor"),
        ("risk-officer", "privacy-officer"),
    ],
)
def test_roles_that_watch_each_other_are_not_given_to_one_person(pair):
    with pytest.raises(RolesInConflict):
        roles.checked(list(pair), "")


@pytest.mark.parametrize(
    "fit",
    [
        ("finance-maker", "finance-checker"),
        ("editor", "checker"),
        ("support", "dispute-owner"),
        ("auditor", "analyst"),
    ],
)
def test_maker_and_checker_may_be_one_person_who_never_is_both_of_one_proposal(fit):
    assert roles.checked(list(fit), "") == sorted(fit)


def test_of_every_two_roles_with_an_auditor_none_makes_anything():
    for one, other in itertools.combinations(sorted(roles.ROLES), 2):
        if "auditor" in (one, other) and roles.conflict(frozenset({one, other})) is None:
            allowed = roles.staff_permissions(frozenset({one, other}))
            assert not [
                name for name in allowed if name.endswith((":propose", ":approve", ":write", ":manage"))
            ]


@pytest.mark.parametrize(
    ("role", "area"),
    [
        ("finance-checker", "33"),
        ("system-administrator", "33"),
        ("rate-maker", "3301"),
        ("checker", "330106"),
        ("auditor", "3301"),
        ("care-agent", ""),
    ],
)
def test_a_role_is_not_given_where_the_table_has_none(role, area):
    with pytest.raises(RoleNotGivenThere):
        roles.checked([role], area)
    assert roles.staff_permissions(frozenset({role}), area) == frozenset()


def test_a_role_reaches_less_in_a_smaller_area():
    def may(role, area):
        return roles.staff_permissions(frozenset({role}), area)

    assert "adjustments:propose" in may("care-agent", "3301")
    assert "adjustments:propose" not in may("care-agent", "330106")
    assert {"disputes:handle"} == {"disputes:handle"} & may("dispute-owner", "33") - may(
        "dispute-owner", "330106"
    )
    assert "payouts:propose" in may("finance-maker", "") - may("finance-maker", "33")
    assert not [
        name for name in may("finance-maker", "3301") if name.endswith((":propose", ":approve", ":hold"))
    ]
    assert "vouchers:freeze" in may("risk-officer", "33") - may("risk-officer", "330106")


def test_a_narrow_role_is_part_of_its_broad_one():
    for role, (of, without) in roles.PARTS.items():
        assert roles.ROLES[role] == roles.ROLES[of] - without < roles.ROLES[of]
    assert not [name for name in roles.ROLES["system-administrator"] if name.startswith("members")]
    assert roles.ROLES["finance-maker"] | roles.ROLES["finance-checker"] == roles.ROLES["finance"]


# By two persons


def test_somebody_new_comes_by_two_persons_and_sets_a_password_by_a_link(administrator, guard):
    proposal = proposed(administrator, roles=("care-agent",), subject="p-9")
    before = by_mail("new@example.test")
    with pytest.raises(NotAllowed):
        approved(administrator, proposal)

    approved(guard, proposal)
    row = by_mail("new@example.test")
    with database.begin() as session:
        token = access.make_link(session, administrator, access.find(session, row.staff_id), clock.now())

    assert before is None
    assert (row.roles, row.area, row.subject, row.password_hash) == (
        ["care-agent"],
        "3301",
        "p-9",
        NO_PASSWORD,
    )
    assert token


def test_other_roles_or_another_area_sign_the_person_out_everywhere(administrator, guard):
    person = given_person("support", email="s@example.test", area="3301")
    token = signed_in(person)

    proposal = proposed(administrator, person, roles=("dispute-owner",), area="33")
    assert who(token) == person
    approved(guard, proposal)

    assert who(token) is ANONYMOUS
    assert who(signed_in(person)) == Staff(person.staff_id, frozenset({"dispute-owner"}), "33")


def test_nobody_takes_part_in_a_decision_about_the_own_access(db, administrator, guard):
    both = given_person(
        "system-administrator", "security", email="both@example.test"
    )  # as nobody can be made
    with pytest.raises(OwnAccess):
        proposed(administrator, administrator)
    about_guard = proposed(administrator, guard, roles=("security",), area="")
    with pytest.raises(OwnAccess):
        approved(guard, about_guard)
    own = proposed(both)

    with pytest.raises(OwnProposal):
        approved(both, own)
    with pytest.raises(OwnAccess), database.begin() as session:
        access.end(session, administrator, access.find(session, administrator.staff_id), "x", clock.now())


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"roles": ("auditor", "checker")}, RolesInConflict),
        ({"roles": ("root",)}, UnknownRoles),
        ({"roles": ()}, Invalid),
        ({"roles": ("finance-checker",)}, RoleNotGivenThere),
        ({"area": "33x"}, Invalid),
        ({"email": "nobody"}, Invalid),
        ({"name": ""}, Invalid),
        ({"reason": "\x00"}, Invalid),
        ({"email": "guard@example.test"}, PersonThere),
    ],
)
def test_what_cannot_be_is_not_even_proposed(administrator, guard, changes, refusal):
    with pytest.raises(refusal):
        proposed(administrator, **changes)


def test_an_approval_of_what_was_changed_meanwhile_is_refused(administrator, guard):
    person = given_person("support", email="s@example.test")
    first, second = (
        proposed(administrator, person, roles=(role,), area="33") for role in ("care-agent", "dispute-owner")
    )
    approved(guard, first)

    with pytest.raises(AccessElsewhere):
        approved(guard, second)
    assert by_mail("s@example.test").roles == ["care-agent"]


def test_only_headquarters_gives_access(administrator):
    there = given_person("security", area="33")
    proposal = proposed(administrator)

    with pytest.raises(ForHeadquarters):
        approved(there, proposal)


def test_access_is_taken_at_once_by_one_and_given_back_by_two(administrator, guard):
    person = given_person("support", email="s@example.test")
    token = signed_in(person)

    with database.begin() as session:
        access.end(session, administrator, access.find(session, person.staff_id), "left", clock.now())
    gone = who(token)
    approved(guard, proposed(administrator, person, roles=("support",), area=""))

    assert gone is ANONYMOUS
    assert who(token) is ANONYMOUS
    assert who(signed_in(person)) == person


def test_a_sign_in_is_set_up_anew_by_two_persons_alone(db, administrator, guard):
    person = given_person("checker", email="c@example.test")
    given_second_factor(db, "c@example.test")
    with pytest.raises(NoLinkNeeded), database.begin() as session:
        access.make_link(session, administrator, access.find(session, person.staff_id), clock.now())

    approved(guard, proposed(administrator, person, roles=("checker",), area="", sets_up_anew=True))

    row = by_mail("c@example.test")
    assert (row.password_hash, row.factor_sealed, row.factor_at) == (NO_PASSWORD, None, None)


# The review


def lines(person, at=None):
    with database.begin() as session:
        return {one.row.email: one for one in review.every(session, person, at or clock.now())}


def test_who_was_not_seen_for_ninety_days_is_stale_and_who_is_new_is_not(db):
    reader = given_person("auditor", email="reader@example.test")
    old, fresh, used = (
        given_person("support", email=f"{name}@example.test") for name in ("old", "fresh", "used")
    )
    now = clock.now()
    with database.begin() as session:
        for person, days in ((old, 91), (fresh, 89), (used, 400)):
            session.get_one(StaffRow, person.staff_id).roles_at = now - timedelta(days=days)
    signed_in(used, at=now - timedelta(days=90) + timedelta(minutes=1))

    found = lines(reader)

    assert {name: found[f"{name}@example.test"].stale for name in ("old", "fresh", "used")} == {
        "old": True, "fresh": False, "used": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("networks", "apart_min", "shared"),
    [
        (("203.0.113.9", "198.51.100.7"), 0, True),
        (("203.0.113.9", "203.0.200.7"), 0, False),
        (("203.0.113.9", ""), 0, False),
        (("2001:db8::1", "2001:db9::1"), 0, True),
        (("2001:db8::1", "203.0.113.9"), 0, True),
        (("203.0.113.9", "198.51.100.7"), 60, False),
    ],
)
def test_two_places_at_once_and_far_apart_are_shown_as_maybe_shared(db, networks, apart_min, shared):
    reader, person = given_person("auditor"), given_person("support", email="s@example.test")
    at = clock.now() - timedelta(hours=5)
    for number, address in enumerate(networks):
        began = at + timedelta(minutes=5 * number + apart_min * number)
        token = signed_in(person, entries.origin(address, "x"), began)
        with database.begin() as session:
            sign_ins.find(session, token, began + timedelta(minutes=20))

    assert lines(reader)["s@example.test"].shared == shared


def test_a_month_is_signed_once_and_its_list_is_kept_as_it_was(db):
    auditor, person = given_person("auditor"), given_person("support", email="s@example.test")
    at = clock.now()
    with database.begin() as session:
        signed = review.sign(session, auditor, "all looked at", at, ZONE)
    with pytest.raises(review.SignedAlready), database.begin() as session:
        review.sign(session, auditor, "again", at, ZONE)
    with pytest.raises(ForHeadquarters), database.begin() as session:
        review.sign(session, given_person("auditor", area="33"), "mine", at + timedelta(days=40), ZONE)
    with database.begin() as session:
        review.sign(session, auditor, "the next", at + timedelta(days=40), ZONE)
        kept = session.get_one(AccessReview, signed.month)

    said = json.loads(kept.content)
    assert (kept.persons, kept.staff_id, len(said)) == (2, auditor.staff_id, 2)
    assert person.staff_id in {one["staff_id"] for one in said}
    assert "s@example.test" not in kept.content


def test_who_reviews_for_an_area_sees_its_people_alone(db):
    reader = given_person("auditor", email="reader@example.test", area="33")
    for area in ("", "33", "3301", "44"):
        given_person("support", email=f"s{area}@example.test", area=area)

    assert set(lines(reader)) == {"reader@example.test", "s33@example.test", "s3301@example.test"}


# In the console


def test_the_console_proposes_approves_ends_and_reviews(app, db):
    def browser(*of):
        client = app.test_client()
        client.set_cookie("jifen_staff", staff_token(*of))
        return client

    def post(client, form, path=None, **fields):
        page = client.get(form, headers={"Accept-Language": "en"}).text
        hidden = dict(re.findall(r'name="(csrf_token|key|content_hash)" value="([^"]+)"', page))
        sent = client.post(path or form, data=hidden | fields, headers={"Accept-Language": "en"})
        return sent

    administrator, guard, auditor = (
        browser(role) for role in ("system-administrator", "security", "auditor")
    )
    new = {"name": "=New", "email": "n@example.test", "roles": ["support"], "area": "3301", "reason": "joins"}

    conflict = post(administrator, "/staff/people/new", **(new | {"roles": ["auditor", "support"]}))
    made = post(administrator, "/staff/people/new", **new)
    done = post(guard, made.location, f"{made.location}/approve")
    place = re.search(r'href="(/staff/people/stf_\w+)">=New', administrator.get("/staff/people").text)[1]
    linked = post(administrator, place, f"{place}/link")
    ended = post(administrator, place, f"{place}/end", reason="never came")
    again = post(administrator, place, f"{place}/end", reason="never came")
    file = auditor.get("/staff/people?csv=1").get_data(as_text=True).removeprefix("\ufeff")
    reviewed = post(auditor, "/staff/people", "/staff/people/review", note="looked at all")
    shown = auditor.get("/staff/people?ended=1", headers={"Accept-Language": "en"}).text

    assert (conflict.status_code, made.status_code, done.status_code) == (422, 303, 303)
    assert re.search(r"/staff/first-password#[\w-]{43}", linked.text)
    assert (ended.status_code, again.status_code, reviewed.status_code) == (303, 409, 303)
    assert "never came" not in shown
    assert "=New" in shown
    assert "looked at all" in shown
    rows = list(csv.DictReader(io.StringIO(file)))
    assert {row["roles"] for row in rows} == {"system-administrator", "security", "auditor"}
    assert post(auditor, "/staff/people", "/staff/people/new", **new).status_code == 403
