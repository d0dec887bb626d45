"""What all lists of the console have: views that are saved and shared, one deed for several rows, the list as a file."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl, urlencode

import pytest
from flask import Flask
from sqlalchemy import select, text

from admin.care import opening
from admin.care.models import CareTask
from admin.console.http import cut
from admin.console.views.models import SavedView
from admin.console.views.views import NOT_KEPT, PLACES
from admin.staff.models import StaffRow
from admin.tickets import numbers, tickets
from admin.tickets.models import Ticket
from base import clock, database, ids
from base.auth import guard, roles
from base.auth.principals import Member
from base.models import AuditRow
from bench import lists
from points.members import members
from tests.given import (
    closed,
    given_adjustment,
    given_area,
    given_member,
    given_programme,
    given_shop,
    given_taken,
    staff_token,
)

LIST = "/staff/tickets"
# Lists without a file, each with what it has instead.
WITHOUT_A_FILE = {
    "jobs": "what the queue holds at this moment, in short tables without a filter or a next page",
    "members": "a number leads to its member; nobody may list members",
    "members/<member>": "one member",
    "search": "a text leads to what it names, a few of each kind",
}


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def desk(app):
    def made(*roles, area="", language="en"):
        client = app.test_client()
        client.set_cookie("jifen_staff", staff_token(*roles, area=area))
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        return client

    return made


@pytest.fixture
def addresses(app, db, programme):
    """Name -> address of each list of the console, read off its map."""
    given_shop()
    member = ids.public("mbr", given_area(given_member(db, programme, points=100), "330106"))
    found = {name: path.format(member=member) for name, path in lists.addresses(app) if "?" not in path}
    found |= {"statements": "/staff/statements?merchant=tea"}
    return {name: path for name, path in found.items() if path.startswith(lists.PREFIX)}


def allowed(app, desk, place, permission=None):
    """Whoever may most of those who may open the page."""
    endpoint, _values = app.url_map.bind("").match(place.partition("?")[0], method="GET")
    needed = permission or guard.permission_of(app, endpoint)
    return desk(
        max(
            (role for role, may in roles.ROLES.items() if needed in may),
            key=lambda role: len(roles.ROLES[role]),
        )
    )


def filters_of(name):
    """Every filter that a list has, each with a value that it may have."""
    found = {}
    for query in lists.FILTERS.get(name, ()):
        for one, value in parse_qsl(query):
            if one not in NOT_KEPT and "{" not in value:
                found.setdefault(one, value)
    return found


def rows_of(answer):
    """The rows of a file, by column."""
    assert answer.mimetype == "text/csv", answer.text
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def given_ticket(db, programme, area="330106", subject="points"):
    member_id = given_area(given_member(db, programme, points=100), area)
    with database.begin() as session:
        row, me = members.by_id(session, member_id), Member(member_id, programme.programme_id)
        return tickets.open_one(session, db, row, subject, "Please look.", by=me, at=clock.now())


def stage_of(ticket):
    with database.begin() as session:
        return session.get_one(Ticket, (ticket.member_id, ticket.ticket_id)).stage


def mail_of(*roles, area=""):
    return f"{'-'.join(roles)}{area}@example.test"


def send(client, path, **filled):
    """A form that is sent from a page of the console."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/staff/maintenance").text)
    return client.post(path, data=filled | {"csrf_token": token[1]})


def save(client, name, query="view=open", place=LIST, **more):
    filled = {"place": place, "query": query, "view_name": name, "key": f"k-{name}"} | more
    return send(client, "/staff/views", **filled)


def view_named(name):
    with database.begin() as session:
        row = session.scalars(select(SavedView).where(SavedView.name == name)).one()
    return row, ids.public("vue", row.view_id)


def offered(client, place=LIST):
    """The names of the views that stand above a list, and where they lead."""
    shown = client.get(place).text
    nav = re.search(r'<nav aria-label="Saved views">.*?</nav>', shown, re.DOTALL)
    found = re.findall(r'<a href="([^"]+)"[^>]*>([^<]+?)\s*<', nav.group()) if nav else []
    return {name: unescape(href) for href, name in found}


def test_a_filter_is_saved_under_a_name_without_the_place_in_the_list_and_once_for_its_key(desk):
    care = desk("support")

    first = save(care, "Goods", "view=open&subject=goods&after=abc&csv=1")
    again = save(care, "Goods", "view=open&subject=goods&after=abc&csv=1")

    assert first.headers["Location"] == again.headers["Location"] == f"{LIST}?view=open&subject=goods"
    assert offered(care) == {"Goods": f"{LIST}?view=open&subject=goods"}
    assert 'aria-current="page"' in care.get(f"{LIST}?view=open&subject=goods").text
    assert view_named("Goods")[0].shared_at is None


def test_a_shared_view_is_offered_to_whoever_may_open_its_list_until_it_is_taken_away(desk):
    mine, theirs = desk("support"), desk("auditor")
    save(mine, "Ours", view_shared="1")
    save(mine, "Mine")
    row, id = view_named("Ours")

    assert offered(theirs) == {"Ours": f"{LIST}?view=open"}
    assert "Person" in theirs.get(LIST).text  # whose it is
    assert send(theirs, f"/staff/views/{id}/archive", key="x1").status_code == 404

    send(mine, f"/staff/views/{id}/share", key="x2", shared="0")
    assert offered(theirs) == {}
    send(mine, f"/staff/views/{id}/archive", key="x3")
    assert set(offered(mine)) == {"Mine"}
    with database.begin() as session:
        assert session.get_one(SavedView, row.view_id).archived_at is not None
        done = session.scalars(
            select(AuditRow.action).where(AuditRow.subject == id).order_by(AuditRow.no)
        ).all()
    assert done == ["view.saved", "view.unshared", "view.archived"]


def test_no_view_leads_to_a_list_that_its_reader_may_not_open_nor_beside_the_lists(desk):
    agent = desk("support")
    save(desk("auditor"), "Who did it", "action=offer.", "/staff/audit", view_shared="1")

    assert save(agent, "No", place="/staff/audit").status_code == 403
    assert save(agent, "Away", place="//elsewhere.test/").status_code == 404
    refused = agent.get("/staff/audit")
    assert refused.status_code == 403
    assert "Who did it" not in refused.text
    assert offered(agent) == {}


def test_a_view_has_a_name_and_nobody_keeps_more_than_fifty_of_a_list(desk):
    care = desk("support")
    save(care, "One")
    with database.begin() as session:
        row = session.scalars(select(SavedView)).one()
        session.execute(
            text("insert into saved_view (view_id, staff_id, made_at, place, query, name) select n, :s, now(), :p, '', n "
                 "from generate_series(1, 49) n"),
            {"s": row.staff_id, "p": LIST},
        )  # fmt: skip

    assert save(care, "").status_code == 422
    assert save(care, "One more").status_code == 403


def test_every_place_of_views_is_a_page_of_the_console(app: Flask):
    for place in PLACES:
        endpoint, values = app.url_map.bind("").match(place, method="GET")
        assert not values
        assert guard.permission_of(app, endpoint)


def test_each_chosen_ticket_is_taken_by_itself_and_says_what_came_of_it(desk, db, programme):
    care, other = desk("support", area="3301"), desk("support", area="33")
    first, taken, elsewhere = (given_ticket(db, programme, area) for area in ("330106", "330106", "440106"))
    send(other, f"{LIST}/{numbers.reference(taken)}/take", key="t")
    chosen = [numbers.reference(row) for row in (first, taken, elsewhere)]
    assert chosen[0] in care.get(f"{LIST}?view=open").text

    told = [send(care, f"{LIST}/take-many", key="k", chosen=chosen).text for _ in range(2)]

    for shown in told:  # sent again, the same comes of it
        assert "1 of 3 rows are done." in shown
        assert "Somebody else has this ticket already." in shown
        assert "There is no such ticket." in shown
    assert [stage_of(row) for row in (first, elsewhere)] == ["assigned", "received"]
    with database.begin() as session:
        steps = session.scalar(text("select steps from ticket where ticket_id = :t"), {"t": first.ticket_id})
    assert steps == 2


def test_nothing_chosen_too_much_chosen_and_no_lead_are_refused(desk, db, programme):
    care, lead = desk("account-manager", area="3301"), desk("checker")
    row = given_ticket(db, programme)
    desk("care-agent", area="3301")
    handed = {
        "key": "h",
        "chosen": numbers.reference(row),
        "to": mail_of("care-agent", area="3301"),
        "reason": "holiday",
    }

    assert send(care, f"{LIST}/take-many", key="a").status_code == 422
    assert (
        send(
            care, f"{LIST}/take-many", key="b", chosen=["tkt_1"] * 2 + [f"t{n}" for n in range(200)]
        ).status_code
        == 403
    )
    shown = send(lead, f"{LIST}/hand-over-many", **handed)

    assert "1 of 1 rows are done." in shown.text
    assert send(care, f"{LIST}/hand-over-many", **handed).status_code == 403


def test_several_tasks_of_care_need_no_contact_for_one_reason(desk, db, programme):
    agent = desk("support")
    keys = []
    for _ in range(2):
        member_id = given_area(given_member(db, programme, points=100), "330106")
        with database.begin() as session:
            at = clock.now()
            on = clock.day(at, programme.zone)
            opening.told(
                session,
                opening.day_of(session, programme, on),
                member_id,
                "back-from-roaming",
                on,
                "test",
                at,
            )
            row = session.scalars(select(CareTask).where(CareTask.member_id == member_id)).one()
            keys.append(ids.public("cre", row.member_id, row.task_id))

    wrong = send(agent, "/staff/care/tasks/not-needed-many", key="w", chosen=keys, reason="so").text
    right = send(agent, "/staff/care/tasks/not-needed-many", key="r", chosen=keys, reason="cared-for").text

    assert "0 of 2 rows are done." in wrong
    assert "2 of 2 rows are done." in right
    with database.begin() as session:
        assert set(session.scalars(select(CareTask.state))) == {"not-needed"}


def test_a_list_is_a_file_of_exactly_what_its_filter_shows_and_that_is_on_record(desk, db, programme):
    goods, points = given_ticket(db, programme, subject="goods"), given_ticket(db, programme)
    care = desk("support")

    answer = care.get(f"{LIST}?view=open&subject=goods&csv=1")

    assert [row["number"] for row in rows_of(answer)] == [numbers.number(goods.ticket_id)]
    assert numbers.number(points.ticket_id) not in answer.text
    with database.begin() as session:
        facts = session.scalar(select(AuditRow.facts).where(AuditRow.action == "list.exported"))
    assert facts == {"asked": {"view": "open", "subject": "goods"}}


def test_every_list_is_a_file_that_is_on_record_but_for_those_that_say_why_not(app, desk, addresses):
    without = set()
    for name, place in addresses.items():
        answer = allowed(app, desk, place).get(f"{place}{'&' if '?' in place else '?'}csv=1")
        assert answer.status_code == 200, place
        if answer.mimetype != "text/csv":
            without.add(name)

    assert without == set(WITHOUT_A_FILE)
    with database.begin() as session:
        exported = AuditRow.action.in_(("list.exported", "audit.exported"))
        assert len(session.scalars(select(AuditRow.audit_id).where(exported)).all()) == len(addresses) - len(
            without
        )


def test_every_list_has_the_search_first_and_keeps_each_filter_when_another_is_changed(app, desk, addresses):
    for name, place in addresses.items():
        asked = {} if name in WITHOUT_A_FILE else filters_of(name) | dict(parse_qsl(place.partition("?")[2]))
        page = allowed(app, desk, place).get(f"{place.partition('?')[0]}?{urlencode(asked)}").text

        assert re.findall(r'id="([^"]+)"[^>]* data-search', page) == ["jf-find"], place
        for form in re.findall(
            rf'<form [^>]*method="get"[^>]*action="{place.partition("?")[0]}".*?</form>', page, re.DOTALL
        ):
            fields = set(re.findall(r' name="([^"]+)"', form))
            assert fields & NOT_KEPT or fields >= set(asked), f"{place}: {fields} of {set(asked)}"
        for link in re.findall(r'href="(\?[^"]*)"', page):
            there = dict(parse_qsl(unescape(link)[1:]))
            assert len(set(asked.items()) - set(there.items())) <= 1, f"{place}: {link}"


def test_a_file_is_the_whole_list_not_its_page_and_nothing_in_it_is_a_formula(app, desk, monkeypatch):
    monkeypatch.setattr(cut, "__defaults__", (1,))
    person = allowed(app, desk, "/staff/maintenance", "maintenance:manage")
    for number in (1, 2):
        day = {"from_at": f"2090-01-0{number}T01:00", "until_at": f"2090-01-0{number}T02:00"}
        send(
            person, "/staff/maintenance", key=f"m{number}", **day, text_zh="=升级", text_en=f"=Work {number}"
        )

    shown, file = (person.get(f"/staff/maintenance{more}") for more in ("", "?csv=1"))

    assert "=Work 1" not in shown.text
    assert 'href="?csv=1"' in shown.text
    assert [row["text_en"] for row in rows_of(file)] == ["'=Work 2", "'=Work 1"]
    assert rows_of(file)[0]["text_zh"] == "'=升级"


def test_files_of_proposals_looks_and_contacts_say_what_their_pages_say_and_no_more(desk, db, programme):
    member_id = given_area(given_member(db, programme, points=100), "330106")
    member, support, auditor = ids.public("mbr", member_id), desk("support"), desk("auditor")
    given_adjustment(member_id, 50)
    contact = {
        "channel": "hotline",
        "direction": "in",
        "purpose": "other",
        "result": "reached",
        "words": "Said so",
    }
    send(support, f"/staff/members/{member}/contacts", key="c", **contact)
    send(support, f"/staff/members/{member}/reveal", fields="phone", reason="complaint", case="T-9")
    with database.begin() as session:
        customer_id = members.by_id(session, member_id).customer_id

    proposals = rows_of(support.get("/staff/approvals?state=approved&csv=1"))
    looks, nobody = (
        rows_of(auditor.get(f"/staff/view-log?{who}&csv=1")) for who in (f"member={member}", "person=staff:1")
    )
    contacts = support.get(f"/staff/members/{member}/contacts?csv=1")

    assert [(row["kind"], row["customer_id"], row["points"], row["state"]) for row in proposals] == [
        ("adjustment", customer_id, "50", "approved")
    ]
    assert rows_of(support.get("/staff/approvals?csv=1")) == []
    assert [(row["customer_id"], row["fields"], row["reason"], row["case"]) for row in looks] == [
        (customer_id, "phone", "complaint", "T-9")
    ]
    assert nobody == []
    assert [(row["channel"], row["purpose"], row["result"]) for row in rows_of(contacts)] == [
        ("hotline", "other", "reached")
    ]
    assert "Said so" not in contacts.text


def test_the_file_of_statements_is_that_of_one_merchant_within_the_area(desk, db):
    shop, today = given_shop(), clock.day(clock.now(), "Asia/Shanghai")
    given_taken(shop, clock.now() - timedelta(days=2))
    closed(shop, today - timedelta(days=1))

    (row,) = rows_of(desk("finance").get("/staff/statements?merchant=tea&csv=1"))

    assert (row["no"], row["lines"], row["owed_fen"], row["fee_fen"], row["vat_fen"]) == (
        "1",
        "1",
        "1000",
        "20",
        "1",
    )
    assert desk("finance", area="44").get("/staff/statements?merchant=tea&csv=1").status_code == 404


def test_an_exported_list_names_whoever_has_a_ticket(desk, db, programme):
    row, care = given_ticket(db, programme), desk("support")
    send(care, f"{LIST}/{numbers.reference(row)}/take", key="t")

    with database.begin() as session:
        name = session.scalars(select(StaffRow.name).where(StaffRow.email == mail_of("support"))).one()

    assert name in care.get(f"{LIST}?view=mine&csv=1").text
