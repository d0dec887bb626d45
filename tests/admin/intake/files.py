"""Files as people send them, and what becomes of them."""

import io

from admin.intake import heads, intake, job, tasks
from admin.intake.models import COMMIT, TRY
from base import clock, database


def csv(header, *rows):
    return ("\n".join([header, *rows]) + "\n").encode()


MEMBERS = "客户编号,入网日期,手机号,备注"


def members_file(count, first=1, note="x"):
    rows = (f"C{n:07},2024-05-0{n % 9 + 1},139{n:08},{note}" for n in range(first, first + count))
    return csv(MEMBERS, *rows)


def received(config, person, programme, body, kind="members", name="members.csv"):
    return intake.receive(config, person, programme.code, kind, name, io.BytesIO(body))


def sent(config, person, programme, body, kind="members", name="members.csv"):
    """A file that was sent and mapped as is guessed."""
    intake_id = received(config, person, programme, body, kind, name)
    with database.begin() as session:
        found = intake.one(session, person, intake_id)
        names = heads.guessed(found.heads, intake.KINDS[kind].columns)
        intake.mapped(session, person, intake_id, names, clock.now())
    return intake_id


def asked(person, intake_id, deed=TRY):
    with database.begin() as session:
        return tasks.ask(session, person, intake_id, deed, clock.now()).job_id


def done(config, person, intake_id, deed=TRY):
    """The job of a deed, which the worker has done, and what it told."""
    job_id = asked(person, intake_id, deed)
    job.run(config, job_id)
    return standing(config, person, job_id)


def standing(config, person, job_id):
    with database.begin() as session:
        found = tasks.by_id(session, person, job_id)
    return found, tasks.told(config, found)


def taken_in(config, person, intake_id, by=None):
    done(config, person, intake_id)
    return done(config, by or person, intake_id, COMMIT)
