"""jifen verify: 0 when the books agree; 1 and the name of what does not, as text or as JSON."""

import json

from sqlalchemy import text

from tests.given import given_member, given_programme


def test_books_that_agree_are_0_and_counted(cli, db):
    given_member(db, given_programme(), points=100)

    answer = cli("verify", "--json", "--quiet")

    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == {"postings": 1, "findings": []}


def test_a_wrong_balance_is_1_and_its_member_is_named(cli, db, owner):
    member_id = given_member(db, given_programme(), points=100)
    owner.execute(text("update wallet set balance = balance + 1"))

    answers = [cli("verify"), cli("verify", "--json", "--quiet")]
    owner.execute(text("update wallet set balance = balance - 1"))

    assert [answer.exit_code for answer in answers] == [1, 1]
    assert f"member {member_id}" in answers[0].output
    found = json.loads(answers[1].stdout)["findings"]
    assert found[0]["place"] == f"member {member_id}"
    assert {"replay", "lots", "trial balance"} <= {finding["rule"] for finding in found}
