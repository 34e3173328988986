"""Keeps these tests to the environment that has Home Assistant: `make test-ha` runs them, `make test` passes them by.

Uses the standard library.
"""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("homeassistant") else ["*"]
