"""What every process of ours does before its work."""

import gc

from base import process


def test_what_is_loaded_is_left_alone_by_the_collector_which_goes_on_working():
    before = gc.get_freeze_count()
    process.load("base.process")

    assert gc.isenabled()
    assert gc.get_freeze_count() > before
    assert gc.get_threshold() == (process.YOUNG, process.MIDDLE, process.OLD)
