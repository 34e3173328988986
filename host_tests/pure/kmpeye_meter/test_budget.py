# The budget of a day: what is counted, when a day begins, what a restart keeps.

from kmpeye.meter.budget import Budget

DAY = 86400
LIMITS = {"replies": 60, "awake_s": 240}
MIDNIGHT = 20779 * DAY  # 2026-11-22 00:00 UTC


def spent(uptime_s, unix, state=None):
    """A budget of which 10 replies and 40 s are spent."""
    budget = Budget(LIMITS, state)
    budget.today(uptime_s, unix)
    budget.replies += 10
    budget.awake_s += 40
    return budget


def counted(budget):
    return budget.replies, budget.awake_s


def test_the_scarcer_of_both_decides():
    budget = spent(0, None)
    for replies, awake_s, readings in (
        (1, 1, 50),
        (2, 1, 25),
        (1, 8, 25),
        (1, 0, 50),
        (0, 0, 50),
        (51, 1, 0),
        (1, 201, 0),
    ):
        assert budget.readings(replies, awake_s) == readings


def test_more_spent_than_there_was_is_none_left():
    budget = spent(0, None)
    budget.awake_s = 1000
    assert budget.readings(1, 1) == 0


def test_the_day_begins_at_midnight():
    budget = spent(100, MIDNIGHT + 3600)
    assert budget.left_s(100) == DAY - 3600
    budget.today(100 + DAY - 3601, MIDNIGHT + DAY - 1)
    assert counted(budget) == (10, 40)
    budget.today(100 + DAY - 3600, MIDNIGHT + DAY)
    assert counted(budget) == (0, 0)
    assert budget.left_s(100 + DAY - 3600) == DAY


def test_without_a_date_the_day_has_24_hours_of_uptime():
    budget = spent(100, None)
    assert budget.left_s(100) == DAY - 100
    budget.today(DAY - 1, None)
    assert counted(budget) == (10, 40)
    budget.today(DAY, None)
    assert counted(budget) == (0, 0)
    assert budget.left_s(DAY + 5) == DAY - 5


def test_learning_the_date_or_setting_it_back_gives_nothing_away():
    budget = spent(100, None)
    budget.today(200, MIDNIGHT + 3600)
    assert counted(budget) == (10, 40)
    budget.today(300, MIDNIGHT - 3600)
    assert counted(budget) == (10, 40)


def test_a_restart_keeps_what_was_spent_today_and_only_that():
    state = spent(100, MIDNIGHT + 3600).state()
    assert state == [20779, 10, 40]
    rows = ((None, 20), (MIDNIGHT + 7200, 20), (MIDNIGHT + DAY, 10))
    for unix, replies in rows:
        assert spent(5, unix, state).replies == replies


def test_there_is_always_at_least_a_second_left():
    budget = spent(0, None)
    assert budget.left_s(3 * DAY) == 1
