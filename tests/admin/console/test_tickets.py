"""Tickets on the console, without script: from the inbox to the close, by number, with filters in the address."""

import html
import re

import pytest
from sqlalchemy import select

from admin.tickets import numbers, tickets
from admin.tickets.models import Ticket
from base import clock, database, ids
from base.auth.principals import Member
from points.members import members
from tests.given import given_member, given_programme, staff_token

WORDS = "Too few points.\nPlease look."


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def member(db, programme):
    return given_member(db, programme, points=500)


@pytest.fixture
def ticket(db, member):
    with database.begin() as session:
        row = members.by_id(session, member)
        me = Member(member, row.programme_id)
        return tickets.open_one(session, db, row, "points", WORDS, by=me, about="posting 1", at=clock.now())


@pytest.fixture
def desk(app):
    def made(*roles, language="en"):
        client = app.test_client()
        client.set_cookie("jifen_staff", staff_token(*roles))
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        return client

    return made


def page(client, path):
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 200, path
    return answer.text


def submit(client, path, action, **filled):
    """Send the form of a page that goes to an address, with its hidden fields."""
    form = re.search(
        rf'<form method="post" action="{re.escape(action)}".*?</form>', page(client, path), re.DOTALL
    )
    assert form, action
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.group()))
    return client.post(action, data=hidden | filled)


def test_a_ticket_is_taken_answered_called_back_and_closed_from_its_page(desk, ticket):
    care, at = desk("support"), f"/staff/tickets/{numbers.reference(ticket)}"

    assert numbers.number(ticket.ticket_id) in page(care, "/staff/tickets")
    for what, filled in (
        ("take", {}),
        ("start", {}),
        ("answer", {"words": "They are back."}),
        ("call-backs", {"channel": "hotline", "reached": "1", "words": "was content"}),
        ("close", {"words": ""}),
    ):
        assert submit(care, at, f"{at}/{what}", **filled).status_code == 303, what

    shown = page(care, at)
    assert all(
        word in shown for word in ("They are back.", "was content", "Too few points.", "Called back: reached")
    )
    with database.begin() as session:
        assert session.scalars(select(Ticket)).one().stage == "closed"
    assert numbers.number(ticket.ticket_id) in page(care, "/staff/tickets?view=closed&subject=points")


def test_the_number_that_is_said_leads_to_the_ticket_and_filters_stay_in_the_address(desk, ticket):
    care, said = desk("support"), numbers.number(ticket.ticket_id)

    assert care.get(f"/staff/tickets?number={said.lower()}").location.endswith(numbers.reference(ticket))
    assert "There is no ticket with this number" in page(care, "/staff/tickets?number=0000-0000")
    assert said not in page(care, "/staff/tickets?view=unassigned&department=privacy")
    assert "subject=points&amp;view=overdue" in page(care, "/staff/tickets?view=open&subject=points")


def test_a_lead_hands_over_and_who_only_reads_has_no_form(db, desk, ticket):
    at = f"/staff/tickets/{numbers.reference(ticket)}"
    desk("support")
    lead, auditor = desk("checker"), desk("auditor")

    done = submit(lead, at, f"{at}/hand-over", to="support@example.test", reason="on leave")

    assert done.status_code == 303
    assert "has it, to the end" in page(lead, at)
    assert f'action="{at}' not in page(auditor, at)


def test_the_members_page_shows_open_tickets_and_contacts_and_takes_one_down(desk, member, ticket):
    care, at = desk("support", language="zh-CN"), f"/staff/members/{ids.public('mbr', member)}"

    made = submit(care, at, f"{at}/tickets", channel="hall", subject="goods", words="礼品破损", about="")
    submit(care, f"{at}/contacts", f"{at}/contacts", channel="hotline", direction="out", purpose="care", result="reached", words="喜欢讲座", next_step="寄资料", next_on="2027-01-05", about="")  # fmt: skip

    shown = page(care, at)
    assert "/staff/tickets/tkt_" in made.location
    assert all(word in shown for word in ("实物礼品", "未办结工单", "喜欢讲座", "寄资料"))
    assert "工单" in html.unescape(page(care, "/staff/tickets?view=open"))
