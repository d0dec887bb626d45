"""jifen example eras: a programme of three eras, made once, that takes files."""

import json

from sqlalchemy import func, select

from base import database
from points.models import ExpiryPolicy, Programme
from tests.given import given_programme


def test_the_eras_are_made_once_beside_other_programmes(db, cli):
    given_programme()

    first, second = (json.loads(cli("example", "eras", "--json").stdout) for _ in range(2))

    assert (first, second) == ({"programme": "eras", "made": True}, {"programme": "eras", "made": False})
    with database.begin() as session:
        codes = sorted(session.scalars(select(Programme.code)))
        count = session.scalar(select(func.count()).select_from(ExpiryPolicy))
    assert (codes, count) == (["eras", "gotone"], 4)


def test_files_can_be_tried_on_the_eras(db, cli, tmp_path):
    cli("example", "eras", "--quiet")
    (tmp_path / "members.csv").write_text("customer_id,joined_on\nC1,2010-01-01\n")
    (tmp_path / "bills.csv").write_text(
        "bill_id,line_no,customer_id,bill_day,line_type,amount_fen\nB1,1,C1,2015-03-31,plan,10000\n"
    )

    answers = [
        cli("import", kind, tmp_path / f"{kind}.csv", "--programme", "eras", "--json")
        for kind in ("members", "bills")
    ]

    assert [answer.exit_code for answer in answers] == [0, 0]
    assert json.loads(answers[1].stdout)["points"] == {"plan": 100}
