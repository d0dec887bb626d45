"""Eight planted faults, one protection taken out each time: eight are caught. What is cheap of them runs always."""

import pytest

from base.config import Config
from tests.engines import wire_again
from tests.owner import forget_everything
from tests.torture.controls import CONTROLS, caught

QUICK = ("wallet and posting apart", "amount from the client", "no signed root")


@pytest.fixture
def planted(db: Config):
    """What a control breaks is forgotten before the books are looked at."""
    yield db
    wire_again(db)
    forget_everything(db)


def test_there_are_eight():
    assert len(CONTROLS) == 8


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_fault_is_caught(planted, name):
    assert caught(planted, name)[0], caught(planted, name)


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(set(CONTROLS) - set(QUICK)))
def test_a_planted_fault_is_caught_by_the_long_checks(planted, name):
    assert caught(planted, name)[0], caught(planted, name)
