"""A campaign from a merchant's idea to a voucher that is used: two persons of staff decide, and never on other words than its own."""

from dataclasses import replace

import pytest

from base import clock, database, ids
from base.approvals import approvals
from base.approvals.approvals import NotAPerson, OwnProposal
from catalog.campaigns import campaigns, results, stages, taking
from catalog.campaigns.campaigns import (
    CampaignAltered,
    CampaignChanged,
    CampaignGone,
    CampaignMoved,
    CampaignNeedsTerms,
    CampaignUnknown,
    HandedInAlready,
    OwnerHandsIn,
    ShareNotOffered,
)
from catalog.campaigns.models import Campaign
from catalog.campaigns.taking import NotToTake
from catalog.publishing import drafts, proposals
from catalog.publishing.faults import EndsBeforeItStarts, MissingTranslation
from merchants import merchants, scope
from tests.catalog.campaigns.campaigning import COMPLETED, Person, asked, proposed_by
from tests.given import (
    ZONE,
    caller,
    clerk_token,
    given_member,
    given_person,
    given_programme,
    given_shop,
    member_token,
)


@pytest.fixture
def programme(db):
    return given_programme()


@pytest.fixture
def shop(programme):
    return given_shop("tea", merchant_bp=1000)


@pytest.fixture
def owner(shop):
    return Person(shop, "owner", "00")


@pytest.fixture
def manager(shop):
    return Person(shop, "manager", "50")


@pytest.fixture
def maker(db):
    return given_person("editor", "checker")


@pytest.fixture
def checker(db):
    return given_person("checker")


def standing(campaign):
    with database.begin() as session:
        return stages.standing(session, session.get_one(Campaign, campaign.campaign_id), clock.now())


def decide(person, case, words=None):
    """Approve what was proposed, or reject it with these words."""
    number, seen = case.proposal.proposal_id, case.proposal.content_hash.hex()
    with database.begin() as session:
        if words is not None:
            return approvals.reject(session, person, number, clock.now(), words)
        return approvals.approve(session, person, number, seen, clock.now())


def edited_by(maker, case, **content):
    """The maker edits the draft behind a proposal and proposes it again."""
    with database.begin() as session:
        number = int(ids.parse("drf", case.proposal.said["draft"], parts=1)[0])
        draft = drafts.find(session, number)
        changed = drafts.edit(session, maker, number, draft.revision, content, clock.now())
        return proposals.propose(session, maker, number, changed.revision, clock.now())[1]


def test_from_a_managers_draft_to_an_offer_by_two_persons_of_staff(shop, owner, manager, maker, checker):
    campaign = manager.begin()
    seen = [standing(campaign).stage]
    with pytest.raises(OwnerHandsIn):
        manager.hand_in(campaign)
    campaign = owner.hand_in(campaign)
    seen.append(standing(campaign).stage)
    with pytest.raises(HandedInAlready):
        owner.hand_in(campaign)
    case = proposed_by(maker, campaign)
    seen.append(standing(campaign).stage)
    for person, refusal in ((maker, OwnProposal), (owner.principal, NotAPerson)):
        with pytest.raises(refusal):
            decide(person, case)
    decide(checker, case)

    became = standing(campaign)
    with database.begin() as session:
        offer = proposals.made(session, case.proposal.proposal_id)
        counted = results.of_offer(session, shop.merchant.merchant_id, offer.offer_id)
    assert [*seen, became.stage] == ["draft", "handed_in", "in_review", "live"]
    assert (offer.offer_id, offer.eligibility, offer.cost_fen) == (
        became.offer_id,
        {"birthday_month": True},
        850,
    )
    assert offer.form["outlets"] == [ids.public("out", shop.outlet.outlet_id)]  # the manager's own alone
    assert (counted.redeemed, counted.accepted, counted.paid_fen) == (0, 0, 0)
    with pytest.raises(CampaignGone):
        owner.do(campaigns.withdraw, campaigns.reference(campaign), campaign.revision)


def test_a_voucher_of_it_costs_the_merchant_the_share_that_it_offered_and_is_counted(
    app, db, programme, shop, owner, maker, checker
):
    case = proposed_by(maker, owner.handed_in(kind="voucher", merchant_bp=2000))
    decide(checker, case)
    with database.begin() as session:
        offer = proposals.made(session, case.proposal.proposal_id)
    member = caller(app, member_token(given_member(db, programme, points=5000)))
    till = caller(app, clerk_token(shop), shop.signer)

    redeemed = member.redeem(offer).json
    taken = till.accept(member.voucher_code(redeemed)).json

    with database.begin() as session:
        counted = results.of_offer(session, shop.merchant.merchant_id, offer.offer_id)
        other = results.of_offer(session, shop.merchant.merchant_id + 1, offer.offer_id)
    assert (
        taken["owed_fen"] == 720
    )  # 90 % of 10 yuan, of which the merchant bears a fifth; the terms say a tenth
    assert (counted.redeemed, counted.accepted, counted.undone, counted.paid) == (1, 1, 0, 0)
    assert counted.net_fen == 720 - 14 - 1  # fee of 2 %, tax of 6 % on it
    assert other.redeemed == other.accepted == 0


def test_what_the_merchant_changes_or_withdraws_is_not_approved(owner, maker, checker):
    first, second = owner.handed_in(), owner.handed_in(kind="voucher")
    cases = [
        proposed_by(maker, first),
        proposed_by(maker, second, replace(COMPLETED, code="tea-plain")),
    ]

    changed = owner.do(campaigns.change, campaigns.reference(first), first.revision, asked(value_fen=2000))
    owner.do(campaigns.withdraw, campaigns.reference(second), second.revision)

    for case in cases:
        with pytest.raises(CampaignMoved):
            decide(checker, case)
    assert (standing(first).stage, standing(second).stage) == ("draft", "withdrawn")
    again = proposed_by(maker, owner.hand_in(changed), replace(COMPLETED, code="tea-again"))
    decide(checker, again)
    assert standing(first).stage == "live"


def test_staff_add_what_is_theirs_and_alter_nothing_of_the_merchants(owner, maker, checker):
    case = proposed_by(maker, owner.handed_in())

    altered = edited_by(maker, case, stock=10, cost_fen=900)

    with pytest.raises(CampaignAltered) as refused:
        decide(checker, altered)
    assert refused.value.facts["fields"] == ["stock"]
    decide(checker, edited_by(maker, altered, stock=100))


def test_no_further_version_bears_more_of_the_merchants_money_than_it_offered(owner, maker, checker):
    case = proposed_by(maker, owner.handed_in(merchant_bp=2000))
    decide(checker, case)
    with database.begin() as session:
        offer = proposals.made(session, case.proposal.proposal_id)

    def version(share):
        at = clock.now()
        with database.begin() as session:
            draft = drafts.begin_from(session, maker, offer.offer_id)
            draft = drafts.edit(
                session, maker, draft.draft_id, 1, {"form": offer.form | {"merchant_bp": share}}, at
            )
            return proposals.propose(session, maker, draft.draft_id, draft.revision, at)[1]

    with pytest.raises(ShareNotOffered):
        decide(checker, version(2001))
    decide(checker, version(1500))


def test_the_merchant_reads_the_words_of_a_refusal_and_staff_may_begin_again(owner, maker, checker):
    campaign = owner.handed_in()
    decide(checker, proposed_by(maker, campaign), "too dear for us")
    refused = standing(campaign)
    decide(checker, proposed_by(maker, campaign, replace(COMPLETED, cost_fen=700)))

    assert (refused.stage, refused.words) == ("refused", "too dear for us")
    assert standing(campaign).stage == "live"


def test_it_is_sent_back_with_words_and_comes_again(owner, maker):
    campaign = owner.handed_in()
    name = campaigns.reference(campaign)
    with database.begin() as session:
        sent = taking.send_back(session, maker, name, campaign.revision, "Which shops?", clock.now())
    back = standing(campaign)

    again = owner.hand_in(sent)

    assert (back.stage, back.words, standing(campaign).stage) == ("sent_back", "Which shops?", "handed_in")
    with pytest.raises(CampaignChanged):
        owner.hand_in(campaign)
    with database.begin() as session, pytest.raises(CampaignChanged):
        taking.take(session, maker, name, campaign.revision, COMPLETED, clock.now())
    proposed_by(maker, again)
    with database.begin() as session, pytest.raises(NotToTake):
        taking.send_back(session, maker, name, again.revision, "too late", clock.now())


def test_without_terms_a_merchant_is_told_what_to_do_and_faults_are_those_of_any_offer(shop, owner):
    with database.begin() as session:
        bare = merchants.add(session, "bare", shop.merchant.names, zone=ZONE, currency="CNY", city="Hangzhou")
        outlet = merchants.add_outlet(session, bare, shop.outlet.names, shop.outlet.address)
    stranger = Person(replace(shop, merchant=bare, outlet=outlet), "owner", "00")
    today = clock.day(clock.now(), ZONE)

    with pytest.raises(CampaignNeedsTerms):
        stranger.begin()
    with pytest.raises(MissingTranslation):
        owner.begin(names={"zh-CN": "只有中文"})
    with pytest.raises(EndsBeforeItStarts):
        owner.begin(last_day=today.replace(year=today.year - 1))


def test_another_merchants_and_another_outlets_campaigns_are_not_there(shop, owner, manager, maker):
    whole, own = owner.begin(), manager.begin()
    stranger = Person(given_shop("noodles"), "owner", "00")

    for person, campaign in ((stranger, whole), (stranger, own), (manager, whole)):
        with database.begin() as session, pytest.raises(CampaignUnknown):
            campaigns.find(session, scope.reach_of(session, person.principal), campaigns.reference(campaign))
    with database.begin() as session:
        mine = scope.reach_of(session, manager.principal)
        assert [one.campaign_id for one in campaigns.listed(session, mine, limit=9)] == [own.campaign_id]
        with pytest.raises(CampaignUnknown):  # nobody handed it in
            taking.find(session, maker, campaigns.reference(whole), clock.now())
        assert taking.waiting(session, maker) == 0
