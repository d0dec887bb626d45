"""Staff sign in: strong passwords, a second step for whoever approves, a code counts once, guesses are limited."""

import re
import threading
from datetime import timedelta

import pytest

from admin.staff import entries, own_access, second_factor, signing_in, strength
from admin.staff.entries import HERE, Origin
from admin.staff.models import CODE, NO_PASSWORD, RECOVERY, RecoveryCode, StaffRow
from admin.staff.signing_in import CodeRefused, SecondFactorMissing, SecondFactorNeeded, StaffSignInRefused
from admin.staff.strength import PasswordTooWeak
from base import clock, database
from base.auth import passwords, roles, sign_ins
from base.auth.guesses import TooManyGuesses
from base.auth.principals import ANONYMOUS, Halfway, Staff
from tests.given import caller, given_person
from tests.second_factor import given_second_factor, shown_by

PASSWORD = "a long password"
MAIL = "checker@example.test"
STRONG = "Tangerine-Ferry-29"


@pytest.fixture
def checker(db):
    return given_person("checker", email=MAIL)


def who(token, after=timedelta(0)):
    with database.begin() as session:
        return sign_ins.find(session, token, clock.now() + after)


def row_of(person):
    with database.begin() as session:
        return session.get_one(StaffRow, person.staff_id)


def page_of(answer):
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def posted(client, path, form=None, **fields):
    page = client.get(form or (path if path != "/staff/sign-in" else "/staff/sign-in?lang=en")).text
    mark = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    return client.post(path, data={"csrf_token": mark, **fields}, headers={"Accept-Language": "en"})


# In a browser


def test_whoever_approves_is_led_to_set_up_the_second_step_and_can_do_nothing_before(app, db, checker):
    client = app.test_client()

    entered = posted(client, "/staff/sign-in", email=MAIL, password=PASSWORD)
    elsewhere = {
        path: client.get(path).location for path in ("/staff", "/staff/approvals", "/staff/own-access")
    }
    offered = client.get("/staff/second-factor", headers={"Accept-Language": "en"}).text
    secret = "".join(re.search(r'<output id="secret">([A-Z2-7 ]+)</output>', offered)[1].split())
    form = "/staff/second-factor"
    wrong = posted(client, "/staff/recovery-codes", form, code="000000")
    done = posted(client, "/staff/recovery-codes", form, code=shown_by(secret))
    once_more = client.get("/staff/recovery-codes")

    assert entered.location == "/staff/second-factor"
    assert set(elsewhere.values()) == {"/staff/second-factor"}
    assert "data:image/svg" in offered
    assert wrong.status_code == 401
    assert len(set(re.findall(r"<code class=\"fs-3\">([0-9A-Z]{5}-[0-9A-Z]{5})</code>", done.text))) == 10
    assert (once_more.status_code, once_more.location) == (303, "/staff")
    assert client.get("/staff/approvals").status_code == 200
    assert who(client.get_cookie("jifen_staff").value) == checker


def test_the_second_step_lets_in_with_the_code_of_the_moment_alone(app, db, checker):
    code, client = given_second_factor(db, MAIL), app.test_client()
    posted(client, "/staff/sign-in", email=MAIL, password=PASSWORD)
    before = client.get_cookie("jifen_staff").value

    asked = client.get("/staff/second-factor").text
    done = posted(client, "/staff/second-factor", code=f"{code[:3]} {code[3:]}")

    assert 'id="secret"' not in asked
    assert (done.status_code, done.location) == (303, "/staff")
    assert client.get("/staff").status_code == 200
    assert client.get_cookie("jifen_staff").value != before
    assert who(before) is ANONYMOUS


def test_a_halfway_sign_in_opens_nothing_of_the_api(app, db, checker):
    token = signing_in.with_password(MAIL, PASSWORD, HERE).token

    refused = caller(app, token).get("/v1/proposals")

    assert who(token) == Halfway(checker.staff_id)
    assert (refused.status_code, who(token, timedelta(minutes=10))) == (403, ANONYMOUS)


def test_a_role_that_approves_nothing_needs_no_second_step(app, db):
    given_person("support", email="desk@example.test")
    client = app.test_client()

    assert posted(client, "/staff/sign-in", email="desk@example.test", password=PASSWORD).location == "/staff"


@pytest.mark.parametrize("role", sorted(roles.ROLES))
def test_every_role_that_approves_or_gives_access_asks_for_a_second_step(role):
    asks = roles.needs_second_factor(frozenset({role}))

    assert asks == (role in {
        "checker", "finance", "finance-maker", "finance-checker", "security", "risk-officer", "privacy-officer",
        "system-administrator",
    })  # fmt: skip


# Codes


def test_a_code_counts_once_and_an_earlier_one_never_again(db, checker):
    given_second_factor(db, MAIL)
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    with clock.stopped(clock.now()):
        with database.begin() as session:
            second_factor.enrol(session, db, session.get_one(StaffRow, checker.staff_id), secret, clock.now())
        now, next_one, before = (shown_by(secret, steps) for steps in (0, 1, -1))

        taken = [take(db, checker, code) for code in (now, now, before, next_one, next_one)]

    assert taken == [CODE, None, None, CODE, None]


def test_of_two_at_once_one_gets_in_with_a_code(db, checker):
    code, gate, came = given_second_factor(db, MAIL), threading.Barrier(6), []

    def enter():
        gate.wait()
        try:
            came.append(bool(signing_in.at_once(db, MAIL, PASSWORD, code)))
        except CodeRefused:
            came.append(False)

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(came) == [False] * 5 + [True]


def test_a_code_of_two_steps_ago_is_too_old(db, checker):
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    at = clock.now()

    near = [second_factor.is_right(secret, shown_by(secret, steps), at) for steps in (-2, -1, 0, 1, 2)]

    assert near == [False, True, True, True, False]
    assert not any(
        second_factor.is_right(secret, text, at) for text in ("", "12345", "abcdef", "１２３４５６")
    )


def test_a_recovery_code_opens_once_and_a_new_set_ends_the_old_one(db, checker):
    given_second_factor(db, MAIL)
    with database.begin() as session:
        first = second_factor.fresh_recovery_codes(
            session, db, session.get_one(StaffRow, checker.staff_id), clock.now()
        )
    taken = [take(db, checker, first[0].lower().replace("-", "")), take(db, checker, first[0])]
    with database.begin() as session:
        second_factor.fresh_recovery_codes(
            session, db, session.get_one(StaffRow, checker.staff_id), clock.now()
        )
        left = second_factor.recovery_codes_left(session, checker.staff_id)

    assert taken == [RECOVERY, None]
    assert take(db, checker, first[1]) is None
    assert left == 10


def test_neither_secret_nor_recovery_codes_lie_in_the_database_in_clear(db, checker):
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    with database.begin() as session:
        row = session.get_one(StaffRow, checker.staff_id)
        codes = second_factor.enrol(session, db, row, secret, clock.now())
    with database.begin() as session:
        sealed = bytes(session.get_one(StaffRow, checker.staff_id).factor_sealed)
        digests = b"".join(bytes(one.digest) for one in session.query(RecoveryCode))

    assert secret.encode() not in sealed
    assert not any(code.encode() in digests or code.replace("-", "").encode() in digests for code in codes)


def test_guesses_of_codes_are_limited_even_for_who_knows_the_password(db, checker):
    given_second_factor(db, MAIL)
    for _ in range(5):
        with pytest.raises(CodeRefused):
            signing_in.at_once(db, MAIL, PASSWORD, "not-a-code")

    with pytest.raises(TooManyGuesses):
        signing_in.at_once(db, MAIL, PASSWORD, given_second_factor(db, MAIL))
    with clock.stopped(clock.now() + timedelta(minutes=15)):
        assert signing_in.at_once(db, MAIL, PASSWORD, given_second_factor(db, MAIL))


def take(config, person, code):
    with database.begin() as session:
        return second_factor.take(
            session, config, session.get_one(StaffRow, person.staff_id), code, clock.now()
        )


# Programs


def test_a_program_sends_password_and_code_together(app, db, checker):
    def asked(**more):
        return caller(app).post("/v1/staff/sign-ins", {"email": MAIL, "password": PASSWORD} | more)

    missing = asked(code="123456")
    code = given_second_factor(db, MAIL)
    bare, wrong = asked(), asked(code="not-it")
    done = asked(code=code)

    told = [answer.json["type"].rsplit("/", 1)[1] for answer in (missing, bare, wrong)]
    assert told == ["second-factor-missing", "second-factor-needed", "code-refused"]
    assert (done.status_code, done.json["kind"]) == (201, "staff")
    assert isinstance(who(done.json["token"]), Staff)
    with pytest.raises(SecondFactorNeeded):
        signing_in.at_once(db, MAIL, PASSWORD, None)


def test_who_has_no_password_signs_in_by_none(db):
    person = given_person("support", email="single@example.test")
    with database.begin() as session:
        session.get_one(StaffRow, person.staff_id).password_hash = NO_PASSWORD

    for text in ("", "-", "no such person", PASSWORD):
        with pytest.raises(StaffSignInRefused):
            signing_in.with_password("single@example.test", text, HERE)
    assert not passwords.matches(NO_PASSWORD, NO_PASSWORD)


def test_the_password_alone_tells_a_checker_nothing_more_by_program(db, checker):
    with pytest.raises(SecondFactorMissing):
        signing_in.at_once(db, MAIL, PASSWORD, "123456")


# Passwords


@pytest.mark.parametrize(
    "weak",
    [
        "short",
        "a" * 12,
        "123456789012",
        "Password1234",
        "qwertyuiop12",
        "Liu Wei Liu Wei",
        "liuwei@example",
        "x" * 201,
    ],
)
def test_a_password_that_is_short_common_or_ones_own_name_is_refused(weak):
    with pytest.raises(PasswordTooWeak):
        strength.check(weak, "Liu Wei", "liuwei@example.test")


@pytest.mark.parametrize(
    "strong", [STRONG, "four words make sentence", "云南的茶 2026 很香很贵", "k7#mQ2vLx9!tRw"]
)
def test_a_password_that_is_hard_to_guess_is_taken(strong):
    strength.check(strong, "Liu Wei", "liuwei@example.test")


# Sign-ins of one's own


def test_a_sign_in_is_listed_with_network_and_browser_and_can_be_ended(app, db):
    person, of = (
        given_person("support", email="a@example.test"),
        entries.origin("203.0.113.77", "Fire\x00fox"),
    )
    here = app.test_client()
    posted(here, "/staff/sign-in", email="a@example.test", password=PASSWORD)
    elsewhere = signing_in.with_password("a@example.test", PASSWORD, of).token

    shown = here.get("/staff/own-access", headers={"Accept-Language": "en"}).text
    place = re.search(r'action="(/staff/own-access/sign-ins/[^"]+/end)"', shown)[1]
    mark = re.search(r'name="csrf_token" value="([^"]+)"', shown)[1]
    ended = here.post(place, data={"csrf_token": mark})

    assert "203.0.113.0/24" in shown
    assert "203.0.113.77" not in shown
    assert of == Origin("203.0.113.0/24", "Firefox")
    assert entries.origin(
        "x", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    ) == Origin("", "Firefox, Linux")
    assert ended.status_code == 303
    assert who(elsewhere) is ANONYMOUS
    assert here.get("/staff").status_code == 200
    with database.begin() as session:
        assert len(entries.open_ones(session, person.staff_id, clock.now())) == 1


def test_nobody_ends_a_sign_in_of_somebody_else(db):
    mine, theirs = given_person("support"), given_person("support", email="b@example.test")
    token = signing_in.with_password("b@example.test", PASSWORD, HERE).token
    with database.begin() as session:
        (entry,) = entries.open_ones(session, theirs.staff_id, clock.now())

    with pytest.raises(entries.SignInUnknown), database.begin() as session:
        entries.end(session, mine.staff_id, entry.entry_id, clock.now())
    assert isinstance(who(token), Staff)


def test_a_sign_in_ends_half_an_hour_after_its_last_use_and_ten_hours_after_it_began(db):
    given_person("support", email="a@example.test")
    idle, used = (signing_in.with_password("a@example.test", PASSWORD, HERE).token for _ in range(2))

    for minutes in range(20, 600, 20):
        assert isinstance(who(used, timedelta(minutes=minutes)), Staff)

    assert who(idle, timedelta(minutes=30)) is ANONYMOUS
    assert who(used, timedelta(hours=10)) is ANONYMOUS


def test_another_password_ends_every_other_sign_in(app, db):
    person = given_person("support", email="a@example.test")
    elsewhere, halfway = signing_in.with_password("a@example.test", PASSWORD, HERE).token, None
    with database.begin() as session:
        halfway = sign_ins.begin(session, entries.HALFWAY, person.staff_id, clock.now())
    client = app.test_client()
    posted(client, "/staff/sign-in", email="a@example.test", password=PASSWORD)
    mark = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/staff/own-access").text)[1]

    def change(**fields):
        sent = {"csrf_token": mark, **fields}
        return client.post("/staff/own-access/password", data=sent, headers={"Accept-Language": "en"})

    wrong, weak = change(present="no", password=STRONG), change(present=PASSWORD, password="aaaaaaaaaaaa")
    done = change(present=PASSWORD, password=STRONG)

    assert (wrong.status_code, weak.status_code, done.status_code) == (422, 422, 303)
    assert "too easy to guess" in weak.text
    assert [who(token) for token in (elsewhere, halfway)] == [ANONYMOUS, ANONYMOUS]
    assert client.get("/staff").status_code == 200
    with pytest.raises(StaffSignInRefused):
        signing_in.with_password("a@example.test", PASSWORD, HERE)


def test_another_phone_needs_the_password_and_ends_the_codes_of_the_first(db, checker):
    old = given_second_factor(db, MAIL)
    token = signing_in.at_once(db, MAIL, PASSWORD, old)
    secret = second_factor.secret_for(db, token)

    with pytest.raises(own_access.PasswordNotRight):
        own_access.renew_second_factor(db, checker.staff_id, token, "no", shown_by(secret), HERE)
    with pytest.raises(CodeRefused):
        own_access.renew_second_factor(db, checker.staff_id, token, PASSWORD, "000000", HERE)
    fresh, codes = own_access.renew_second_factor(
        db, checker.staff_id, token, PASSWORD, shown_by(secret), HERE
    )

    assert (who(token), len(codes)) == (ANONYMOUS, 10)
    assert isinstance(who(fresh), Staff)
    assert take(db, checker, shown_by(secret, 1)) == CODE


def test_a_link_sets_a_password_once_and_within_a_day(app, db):
    person = given_person("support", email="new@example.test")
    with database.begin() as session:
        row = session.get_one(StaffRow, person.staff_id)
        row.password_hash = NO_PASSWORD
        token = own_access.make_link(session, row, "staff:1", clock.now())
    client = app.test_client()

    weak = posted(client, "/staff/first-password", token=token, password="123456789012")
    late = clock.now() + timedelta(hours=24)
    with pytest.raises(own_access.LinkUnknown), database.begin() as session:
        own_access.take_link(session, token, STRONG, late)
    done = posted(client, "/staff/first-password", token=token, password=STRONG)
    again = posted(client, "/staff/first-password", token=token, password=STRONG + "!")

    assert (weak.status_code, done.location, again.status_code) == (422, "/staff/sign-in", 404)
    assert signing_in.with_password("new@example.test", STRONG, HERE).kind == entries.KIND
    assert row_of(person).link_digest is None
