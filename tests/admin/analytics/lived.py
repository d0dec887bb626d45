"""What a redemption truly does to parts of the simulated members and in each month after it: forked lives, as in the truth."""

import numpy as np

from admin.analytics.simulation import truth, world
from admin.analytics.simulation.scenarios import KINDS, NONE
from admin.analytics.simulation.truth import HORIZON, TRIALS, Course


def differences(scenario, members, seed, part):
    """Survival of "any" less that of none, at 0..12 months: mean by part, and how many trials; `part(state)` by member."""
    state, luck = world.begin(seed, 0, members, TRIALS + HORIZON)
    fresh, everybody = np.ones(members, dtype=bool), np.arange(members)
    total, counts = {}, {}
    for month in range(TRIALS):
        odds = world.odds(scenario, state)
        eligible = np.flatnonzero(fresh & (odds > 0).any(axis=0))
        of = part(state)[eligible]
        apart = _apart(scenario, state.of(eligible), odds[:, eligible], luck, month, eligible)
        for name in np.unique(of):
            total[name] = total.get(name, 0) + apart[:, of == name].sum(axis=1)
            counts[name] = counts.get(name, 0) + int((of == name).sum())
        now = luck.of(month, everybody)
        kind = world.chosen(odds, now)
        state = world.redeem(state, kind)
        fresh &= (kind == NONE) & (now.leaving >= world.hazard(scenario, state))
        state = world.next_month(scenario, state, kind, now)
    return {name: total[name] / counts[name] for name in total}, counts


def _apart(scenario, here, odds, luck, month, eligible):
    future = [luck.of(month + later, eligible) for later in range(HORIZON)]
    none = truth._course(scenario, here, future, np.full(len(eligible), NONE))
    shares = odds / odds.sum(axis=0)
    mixed = Course(np.zeros_like(none.survival), np.zeros_like(none.spent_fen))
    for index in range(len(KINDS)):
        mixed = mixed.mixed(
            shares[index], truth._course(scenario, here, future, np.full(len(eligible), index))
        )
    return mixed.survival - none.survival
