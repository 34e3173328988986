# What update.state holds: which half of the partition runs, and how the last update stands. main.py reads and counts on
# its own; nobody else does. Imports keep. Promise: whatever the file holds, there is an active half.

from kmpeye.system import keep

STATE = "update.state"


def state():
    """{active: the half that proved itself; of an update: trial: its half, None once it failed; tries; version; was:
    how things stood before it; why: it failed}."""
    found = keep.load(STATE)
    return found if isinstance(found, dict) and found.get("active") in (0, 1) else {"active": 0}
