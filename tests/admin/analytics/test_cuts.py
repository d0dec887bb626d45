"""Parts of the members: sums that add up to the whole, the truth of each part, and every part refused as the whole would be."""

from dataclasses import replace

import numpy as np
import pytest

from admin.analytics import person_month_files, study_blocks, trial_blocks, trials
from admin.analytics.cuts import MOST_GROUPS, OTHERS
from admin.analytics.person_months import BUCKETS, parts_of, some_members
from admin.analytics.protocol import Options
from admin.analytics.simulation import panel
from admin.analytics.simulation.scenarios import KINDS, SCENARIOS
from admin.analytics.sources import gather
from tests.admin.analytics import lived
from tests.admin.analytics.panels import FIRST, given, made, member, redeemed
from tests.months import given_months

OPTIONS = Options(first=0, last=11, draws=100, variants=False)
SHORT = Options(horizon=4, draws=50, variants=False)
MEMBERS = 15_000


def cut(sample, options=SHORT):
    gathered = gather(sample)
    found = trial_blocks.answer(gathered, options)
    return study_blocks.cuts_block(found, options, gathered.span[1]), found


def in_cities(sample, *codes, seed=1):
    """The same members, each in one of these cities."""
    drawn = np.random.default_rng(seed).choice(codes, sample.members).astype(np.int32)
    return replace(sample, groups={"city": drawn[sample.member]})


def codes_of(group):
    return [reason["code"] for reason in group["reasons"]]


@pytest.fixture(scope="module")
def simulated():
    return {name: cut(panel.draw(SCENARIOS[name], MEMBERS, 7), OPTIONS) for name in ("main", "null")}


def test_each_third_of_use_has_its_truth_within_the_error(simulated):
    block, found = simulated["main"]
    groups = block["usage"]["groups"]
    edges = [group["below"] for group in groups[:-1]]

    true, _ = lived.differences(
        SCENARIOS["main"], 20_000, 5, lambda state: np.searchsorted(edges, state.engagement, side="right")
    )

    assert block["usage"]["column"] == "engagement"
    assert [group["name"] for group in groups] == ["low", "middle", "high"]
    assert true[0][12] > true[2][12]  # who uses little is kept most, and that is what there is to find
    for nth, group in enumerate(groups):
        assert group["status"] == "ok"
        assert abs(group["risk_difference_pp"] + 100 * true[nth][12]) <= 3 * group["se_pp"]
    assert found.estimates is not None


def test_where_redeeming_does_nothing_no_part_shows_anything(simulated):
    block, _ = simulated["null"]

    groups = block["usage"]["groups"] + block["tenure"]["groups"]
    told = [one for group in groups for one in (group, *group["kinds"].values()) if one["se_pp"] is not None]
    outside = [one for one in told if not one["interval_pp"][0] <= 0 <= one["interval_pp"][1]]

    assert len(told) >= 8
    assert len(outside) <= 1
    assert all(abs(one["risk_difference_pp"]) <= 3.5 * one["se_pp"] for one in told)


def test_parts_add_up_to_the_whole_and_members_may_come_in_any_parts():
    sample = in_cities(given_months(members=500, months=18, seed=3), 3301, 3302, 33)
    models = trials.fit(sample, SHORT)

    whole = trials.sums(sample, models, SHORT)
    total = trials.Sums()
    for part in reversed(parts_of(sample, 70)):
        total = total + trials.sums(part, models, SHORT)

    for name, values in whole.total.items():
        assert total.total[name] == pytest.approx(values, rel=1e-5, abs=1e-6), name
    folded = np.zeros((BUCKETS, *whole.total["seen"].shape[1:]))
    np.add.at(folded, np.arange(len(whole.total["seen"])) % BUCKETS, whole.total["seen"])
    for name in ("city", "tenure"):
        assert whole.total[f"cut:{name}:seen"].sum(axis=1) == pytest.approx(folded)
        for fact in ("n", "weight", "square", "leavers"):
            assert whole.total[f"cut:{name}:{fact}"].sum(axis=0) == pytest.approx(whole.total[fact])
        assert whole.most[f"cut:{name}:heaviest"].max(axis=0) == pytest.approx(whole.most["heaviest"])
        balance = whole.total[f"cut:{name}:balance"].sum(axis=0)
        assert balance == pytest.approx(whole.total["balance_weighted"], rel=1e-3, abs=1e-2)


def test_a_part_is_what_its_members_alone_add_up_to():
    sample = in_cities(given_months(members=900, months=10, seed=2), 3301, 3302)
    models = trials.fit(sample, SHORT)
    alone = sample.groups["city"][sample.first_rows] == 3302

    whole = trials.sums(sample, models, SHORT)
    part = trials.sums(some_members(sample, alone), models, SHORT)

    for name in ("seen", "left"):
        folded = np.zeros((BUCKETS, *part.total[name].shape[1:]))
        np.add.at(folded, np.arange(len(part.total[name])) % BUCKETS, part.total[name])
        assert whole.total[f"cut:city:{name}"][:, 1] == pytest.approx(folded)
    assert whole.most["cut:city:heaviest"][1] == pytest.approx(part.most["heaviest"])


def test_a_part_in_which_nobody_redeems_is_refused_and_the_others_are_not():
    sample = in_cities(given_months(members=12_000, months=10, seed=2, redeem=-3.5), 3301, 3302)
    there = sample.groups["city"] == 3302
    sample = replace(sample, kind=np.where(there, -1, sample.kind).astype(np.int8))

    block, _ = cut(sample)

    first, second = block["city"]["groups"]
    assert (first["status"], second["status"]) == ("ok", "refused")
    assert codes_of(second) == ["one_arm_empty"]
    assert second["risk_difference_pp"] is second["interval_pp"] is None


def test_a_part_with_few_leavers_is_refused_with_what_was_found():
    random = np.random.default_rng(5)
    sample = given_months(members=6000, months=10, seed=2)
    few = (random.random(sample.members) < 0.03).astype(np.int32)[sample.member] + 3301

    block, _ = cut(replace(sample, groups={"city": few}))

    small = block["city"]["groups"][1]
    assert codes_of(small)[:2] == ["few_treated_leavers", "few_treated_trials"]
    assert small["reasons"][1]["found"] == small["n_treated"] < 200


def test_a_part_that_the_weights_do_not_make_alike_is_refused():
    # In one city keen members redeem, in the other those who are not: weights of everybody suit neither.
    sample = given_months(members=8000, months=10, seed=2, redeem=-50)
    random, city = np.random.default_rng(3), np.random.default_rng(4).integers(0, 2, 8000)[sample.member]
    pull = np.where(city == 0, 1.0, -1.0) * sample.covariates["keen"]
    redeems = random.random(sample.rows) < 1 / (1 + np.exp(2.5 - pull))
    kind = np.where(redeems, 0, -1).astype(np.int8)
    sample = replace(sample, kind=kind, groups={"city": (3301 + city).astype(np.int32)})

    block, found = cut(sample)

    assert found.headline is not None
    for group in block["city"]["groups"]:
        assert "imbalance" in codes_of(group)


def test_where_the_whole_is_refused_so_is_every_part():
    block, found = cut(in_cities(given_months(members=150, months=18, seed=2), 3301, 3302))

    assert found.refused["any"]
    for group in block["city"]["groups"] + block["tenure"]["groups"]:
        assert codes_of(group) == [reason.code for reason in found.refused["any"]]


def test_one_part_alone_and_a_column_that_is_not_there_have_no_parts():
    sample = given_months(members=2000, months=10, seed=2)
    same = replace(sample, covariates={**sample.covariates, "usage": np.ones(sample.rows, dtype=np.float32)})

    block, _ = cut(in_cities(same, 3301))

    assert block["status"] == "refused"
    assert {name: codes_of(block[name]) for name in ("tenure", "usage", "city", "contract")} == {
        "tenure": ["one_part"], "usage": ["one_part"], "city": ["one_part"], "contract": ["no_column"],
    }  # fmt: skip
    assert "brand" not in block
    assert all(block[name]["groups"] == [] for name in ("tenure", "usage", "city", "contract"))


def test_of_many_cities_the_smallest_stand_together():
    sample = in_cities(given_months(members=4000, months=10, seed=2), *range(3301, 3318))

    block, found = cut(sample)

    names = [group["name"] for group in block["city"]["groups"]]
    assert len(names) == MOST_GROUPS + 1
    assert names[-1] == OTHERS
    assert sum(group["n_trials"] for group in block["city"]["groups"]) == found.sums.total["n"][0].sum()


def test_a_city_that_the_fitted_members_do_not_live_in_is_among_the_others():
    sample = in_cities(given_months(members=600, months=10, seed=2), 3301, 3302)
    models = trials.fit(sample, SHORT)

    elsewhere = replace(sample, groups={"city": np.full(sample.rows, 4401, dtype=np.int32)})
    found = trials.sums(elsewhere, models, SHORT).total["cut:city:n"]

    assert found[:2].sum() == 0
    assert found[2].sum() > 0


def test_months_to_the_end_of_the_contract_are_cut_where_they_are_told():
    block, _ = cut(panel.draw(SCENARIOS["contracts"], 3000, 3), replace(OPTIONS, draws=20))

    groups = block["contract"]["groups"]
    assert [group["name"] for group in groups] == ["under 3", "3-6", "7-12", "13 and more"]
    assert [(group["from"], group["below"]) for group in groups] == [(None, 3), (3, 7), (7, 13), (13, None)]
    assert set(groups[0]["kinds"]) == set(KINDS)


def test_words_of_a_file_tell_brands_apart(tmp_path):
    file = tmp_path / "months.csv"
    rows = [f"{who},{month},0,,{'gold' if who % 2 else 'blue'}" for who in range(4) for month in range(3)]
    file.write_text("id,month,left,redeemed_kind,brand\n" + "\n".join(rows), "utf-8")

    sample = person_month_files.read(file)

    assert sample.group_names == {"brand": ("blue", "gold")}
    assert sample.groups["brand"].tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert "brand=gold" in sample.covariates


def test_the_live_books_tell_the_city_of_a_county(tmp_path):
    taken = given(tmp_path / "one", member=[member()], redemption=[redeemed(f"{FIRST:%Y-%m}")])

    (part,) = made(tmp_path / "panels", taken)

    assert set(part.groups["city"].tolist()) == {3301}
