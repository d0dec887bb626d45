"""Two at once about one offer: one effect, and the other is told by name; whoever comes first, what was read is what is done."""

from collections import Counter

import pytest

from base import clock, database, ids
from base.approvals.approvals import OtherContent
from catalog.publishing import drafts, life, proposals
from tests.catalog.publishing.setting_up import approve, proposed_draft, versions
from tests.given import given_offer, given_person, given_programme
from tests.points.test_ledger import at_once


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def checkers(programme):
    return [given_person("checker"), given_person("checker")]


def names(came):
    """How often each kind of answer came."""
    return Counter(type(one).__name__ for one in came)


def change(offer, **content):
    """A proposed further version of an offer."""
    maker, at = given_person("editor"), clock.now()
    with database.begin() as session:
        draft = drafts.begin_from(session, maker, offer.offer_id)
        changes = {"currency": "CNY", "category": "bill", **content}
        draft = drafts.edit(session, maker, draft.draft_id, draft.revision, changes, at)
    with database.begin() as session:
        return proposals.propose(session, maker, draft.draft_id, draft.revision, at)[1].proposal


def test_of_two_approvals_of_one_proposal_one_makes_the_offer(checkers):
    _, proposal = proposed_draft()

    came = at_once(2, lambda number: approve(checkers[number], proposal))

    assert names(came) == {"Case": 1, "ProposalDecided": 1}
    assert len(versions()) == 1


def test_of_two_offers_with_one_code_one_is_made(checkers):
    both = [proposed_draft()[1] for _ in range(2)]

    came = at_once(2, lambda number: approve(checkers[number], both[number]))

    assert names(came) == {"Case": 1, "OfferCodeTaken": 1}
    assert len(versions()) == 1


def test_of_two_changes_of_one_offer_one_is_made_and_the_other_is_looked_at_again(programme, checkers):
    offer = given_offer(programme, "bill_credit")
    both = [change(offer, cost_fen=fen) for fen in (900, 950)]

    came = at_once(2, lambda number: approve(checkers[number], both[number]))

    assert names(came) == {"Case": 1, "OfferMovedOn": 1}
    assert len(versions()) == 2


def test_of_an_edit_and_an_approval_one_comes_first_and_the_other_has_no_effect(checkers):
    for number in range(3):
        maker, proposal = proposed_draft(code=f"credit-{number}")
        draft_id = drafts_of(proposal)

        def edit(maker=maker, draft_id=draft_id):
            with database.begin() as session:
                return drafts.edit(session, maker, draft_id, 1, {"cost_fen": 1}, clock.now())

        came = at_once(
            2, lambda one, edit=edit, proposal=proposal: edit() if one else approve(checkers[0], proposal)
        )

        approved = [o for o in versions() if o.code == f"credit-{number}"]
        first, second = (type(one).__name__ for one in came)
        assert (first, second) in (
            ("Case", "ProposalDecided"),
            ("Case", "DraftClosed"),
            ("ProposalDecided", "OfferDraft"),
        )
        assert [offer.cost_fen for offer in approved] == [1000] * (first == "Case")  # fmt: skip


def drafts_of(proposal):
    return ids.parse("drf", proposal.said["draft"], parts=1)[0]


def test_a_draft_changed_behind_its_proposal_is_not_what_was_read(db, checkers, owner):
    _, proposal = proposed_draft()
    owner.exec_driver_sql("""update offer_draft set content = content || '{"cost_fen": 1}'""")

    with pytest.raises(OtherContent):
        approve(checkers[0], proposal)

    assert versions() == []


def test_of_many_who_pause_at_once_one_does(programme):
    offer = given_offer(programme, "bill_credit")
    persons = [given_person("editor") for _ in range(4)]

    def pause(number):
        with database.begin() as session:
            return life.pause(session, persons[number], offer.offer_id, "wrong price", clock.now())

    assert names(at_once(4, pause)) == {"OfferState": 1, "NotInThatState": 3}
