"""Run by the Python that django-hordak is installed in, never by ours: `prepare ACCOUNTS`, or `transfer SECONDS PROCESSES`.

Transfers go by its public models: a Transaction with a Leg that credits and a Leg that debits, in one database
transaction, from as many processes as asked for; what is counted was committed.
"""

import json
import multiprocessing
import os
import random
import sys
import time

import django
from django.conf import settings


def set_up() -> None:
    """Django with hordak alone, on the database that the environment names."""
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": os.environ["PGDATABASE"],
                "HOST": os.environ["PGHOST"],
                "PORT": os.environ["PGPORT"],
                "USER": os.environ["PGUSER"],
                "PASSWORD": os.environ["PGPASSWORD"],
                "CONN_MAX_AGE": None,
            }
        },
        DEFAULT_CURRENCY="CNY",
        CURRENCIES=["CNY"],
        HORDAK_CURRENCIES=["CNY"],
        HORDAK_INTERNAL_CURRENCY="CNY",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


def prepare(accounts: int) -> None:
    """Its own migrations, then so many accounts."""
    from django.core.management import call_command
    from hordak.models import Account, AccountType

    call_command("migrate", verbosity=0)
    for number in range(accounts):
        Account.objects.create(
            name=f"a{number}", code=str(number), type=AccountType.liability, currencies=["CNY"]
        )


def transfers(share: tuple[int, int]) -> float:
    """Transfers a second of one process; its clock starts once it is connected and knows the accounts."""
    from django.db import connection, transaction
    from hordak.models import Account, Leg, Transaction
    from moneyed import Money

    seed, seconds = share
    connection.close()  # none is shared with the process that this one came from
    accounts, pick, one, done = list(Account.objects.all()), random.Random(seed), Money(1, "CNY"), 0
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        source, target = pick.sample(accounts, 2)
        with transaction.atomic():
            made = Transaction.objects.create(description="bench")
            Leg.objects.create(transaction=made, account=source, debit=one)
            Leg.objects.create(transaction=made, account=target, credit=one)
        done += 1
    return done / (time.monotonic() - began)


def main() -> None:
    set_up()
    what, *numbers = sys.argv[1:]
    if what == "prepare":
        prepare(int(numbers[0]))
        return
    seconds, processes = map(int, numbers)
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        pool.map(time.sleep, [0.2] * processes, chunksize=1)
        rates = pool.map(transfers, [(number, seconds) for number in range(processes)], chunksize=1)
    print(json.dumps({"per_s": sum(rates)}))


if __name__ == "__main__":
    main()
