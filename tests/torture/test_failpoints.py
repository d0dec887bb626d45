"""F6: at every failpoint an operation fails, or its process dies: whole or nothing, and the same request again finishes it."""

import ast
import os
import signal
import threading
import traceback
from collections.abc import Iterator

import pytest

from app.wiring import wire
from base import database, failpoints
from base.failpoints import Failed
from tests.conftest import ROOT
from tests.engines import wire_again
from tests.merchants.payouts.paying import PLENTY_FEN, SECRET, treasury
from tests.stripe_twin import endpoints
from tests.stripe_twin.app import serving
from tests.stripe_twin.twin import Twin
from tests.torture.operations import IN_STEPS, OPERATIONS, Deed, Scene, more, refusals_count_as_done, rows

PACKAGES = ("base", "points", "merchants", "catalog", "admin", "app")


def named() -> set[str]:
    """Every failpoint that there is in the product."""
    found = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            if "failpoint(" in (source := file.read_text(encoding="utf-8")):
                found |= {
                    node.args[0].value
                    for node in ast.walk(ast.parse(source))
                    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "failpoint" and isinstance(node.args[0], ast.Constant)
                }  # fmt: skip
    return found


@pytest.fixture
def scene(app, db, billing, tmp_path) -> Iterator[Scene]:
    twin = Twin()
    with serving(twin) as url:
        endpoints.make(
            twin,
            {"url": "/v1/stripe/connect-events", "enabled_events": ["*"], "connect": True},
            secret=SECRET,
        )
        stripe = {
            "stripe_secret_key": "sk_test_secret",
            "stripe_api_base": url,
            "stripe_connect_secret": SECRET,
            "stripe_timeout_s": 2,
        }
        config = db.at(billing_url=billing.url, billing_timeout_s=1, **stripe)
        wire_again(config)
        twin.fund(PLENTY_FEN)
        made = Scene(app, config, tmp_path, treasury(config, twin))
        yield made
        failpoints.arm("")
        assert set(made.paying.transfers.values()) <= {1}


def visited(deed: Deed) -> list[str]:
    """The failpoints on a deed's way, in order, each time."""
    seen: list[str] = []
    with failpoints.watched(seen.append):
        deed()
    return seen


def whole(scene: Scene, operation: str) -> tuple[dict[str, int], list[str]]:
    """What an undisturbed deed leaves, and the failpoints on its way."""
    OPERATIONS[operation](scene)()  # what is made once, by whoever is first
    deed = OPERATIONS[operation](scene)
    before = rows(scene.config)
    seen = visited(deed)
    return more(before, rows(scene.config)), seen


def wrong_at(scene: Scene, operation: str, name: str, nth: int, left: dict[str, int]) -> list[str]:
    """What is not as it must be when the deed fails at that place, the how many-th time, and is then done again."""
    deed = OPERATIONS[operation](scene)
    before = rows(scene.config)
    failpoints.arm(f"{name}=exception@{nth}")
    try:
        deed()
        # How often a deed comes by the same place may differ; that it does so once may not.
        return [f"{operation} {name}: did not fail"] if nth == 1 else []
    except (Failed, RuntimeError):
        pass
    finally:
        failpoints.arm("")
    return after_the_failure(scene, operation, f"{name}@{nth}", deed, before, left)


def after_the_failure(scene, operation, place, deed, before, left) -> list[str]:
    meanwhile = more(before, rows(scene.config))
    with refusals_count_as_done():
        deed()
    if operation in IN_STEPS:  # what was promised for later is due by now
        with refusals_count_as_done():
            deed()
    at_last = more(before, rows(scene.config))
    if operation in IN_STEPS:
        at_last, left = without_diary(at_last), without_diary(left)
    wrong = [] if operation in IN_STEPS or meanwhile in ({}, left) else [f"half: {meanwhile}"]
    wrong += [] if at_last == left else [f"{at_last} instead of {left}"]
    return [f"{operation} {place}: {one}" for one in wrong]


def without_diary(left: dict[str, int]) -> dict[str, int]:
    """Without what says that something was tried: a step of a payout that was looked for, a run of a file."""
    return {name: many for name, many in left.items() if name not in ("payout_step", "import_run")}


def places(seen: list[str]) -> list[tuple[str, int]]:
    """The first and the last time of each place on a way."""
    return [(name, nth) for name in dict.fromkeys(seen) for nth in sorted({1, seen.count(name)})]


def test_at_each_failpoint_an_operation_fails_whole_and_is_done_once_when_it_is_asked_again(scene):
    """Each place on the way of the first operation that comes by; all ways of all operations are among the long tests."""
    wrong, reached = [], set[str]()
    for operation in OPERATIONS:
        left, seen = whole(scene, operation)
        for name in dict.fromkeys(seen):
            if name not in reached:
                wrong += wrong_at(scene, operation, name, 1, left)
        reached |= set(seen)

    assert wrong == []
    assert named() - reached == set()
    assert len(reached) >= 25


@pytest.mark.torture
@pytest.mark.timeout(3_600)
def test_every_operation_that_fails_anywhere_on_its_way_is_done_whole_or_not_at_all(scene):
    wrong = []
    for operation in OPERATIONS:
        left, seen = whole(scene, operation)
        for name, nth in places(seen):
            wrong += wrong_at(scene, operation, name, nth, left)

    assert wrong == []


# A process that dies there, or is slow there while the same is asked beside it


@pytest.mark.torture
@pytest.mark.timeout(3_600)
def test_a_process_that_dies_anywhere_leaves_all_or_nothing(scene):
    wrong = []
    for operation in OPERATIONS:
        left, seen = whole(scene, operation)
        for name, nth in places(seen):
            deed = OPERATIONS[operation](scene)
            before = rows(scene.config)
            if not died(scene, deed, f"{name}=kill@{nth}"):
                wrong += [f"{operation} {name}: did not die"] if nth == 1 else []
                continue
            wrong += after_the_failure(scene, operation, f"killed at {name}@{nth}", deed, before, left)

    assert wrong == []


def died(scene: Scene, deed: Deed, said: str) -> bool:
    """Whether the deed, done by a child with connections of its own, ended as it was to: by force, at that place."""
    database.engine().dispose()
    child = os.fork()
    if child == 0:
        try:
            wire(scene.config, pool_size=4)
            failpoints.arm(said)
            deed()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(3)
    for _ in range(50):  # a till's counter goes up: what the child has used must not come again
        next(scene.shop.signer.counter)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.torture
@pytest.mark.timeout(3_600)
def test_the_same_asked_again_while_the_first_is_slow_is_done_once(scene):
    wrong = []
    for operation in sorted(set(OPERATIONS) - IN_STEPS - {"hand_over_what_is_due"}):
        left, seen = whole(scene, operation)
        for name in dict.fromkeys(seen):
            deed = OPERATIONS[operation](scene)
            before = rows(scene.config)
            failpoints.arm(f"{name}=sleep")
            slow = threading.Thread(target=quietly, args=(deed,))
            slow.start()
            quietly(deed)
            slow.join()
            failpoints.arm("")
            quietly(deed)
            if (at_last := more(before, rows(scene.config))) != left:
                wrong.append(f"{operation} slow at {name}: {at_last} instead of {left}")

    assert wrong == []


def quietly(deed: Deed) -> None:
    """Whatever it comes to: what is left in the tables tells."""
    try:
        deed()
    except Exception:
        return
