"""docs/kmp-over-tcp.md says of each command what the gate does with it.

Reads the page as text; the gate decides about a request that the protocol itself built.
"""

import re

from conftest import ROOT
from kmp import command, log, service
from kmpeye.expose.kmptcp.server import only_reads

PAGE = (ROOT / "docs" / "kmp-over-tcp.md").read_text(encoding="utf-8")
REQUESTS = (
    command.get_type(),
    command.get_serial(),
    command.get_register([60]),
    service.get_event_status(),
    log.from_time(1, [60], 1, bytes(8)),
    log.from_last(1, [60], 1),
    log.from_record(1, [60], 1, 1),
    log.back_from_time(1, [60], 1, bytes(8)),
    service.set_clock(260101, 0),
    service.put_register(0, 1, 0, 1, 0, 4),
    service.clear_event_status(0, 0),
)


def said(cid):
    """True when the page's table says yes to a command."""
    for row in re.findall(r"^\| (.+) \| (yes|only with .+) \|$", PAGE, re.MULTILINE):
        listed = [
            int(one, 16) for one in re.findall(r"\b([0-9A]\d|[0-9][BC])\b", re.sub(r"\(.*?\)", "", row[0]))
        ]
        if "to A3" in row[0]:
            listed = range(0xA0, 0xA4)
        if cid in listed:
            return row[1] == "yes"
    raise AssertionError("the page does not name %02X" % cid)


def test_the_page_says_what_the_gate_does():
    for request in REQUESTS:
        assert said(request[0]) == only_reads(request), service.name(request[0])


def test_the_page_names_the_settings_and_their_defaults():
    from kmpeye.system.config import TABLE

    defaults = {row[0]: row[3] for row in TABLE}
    assert '"kmptcp_port"`, %d' % defaults["kmptcp_port"] in PAGE
    assert defaults["kmptcp"] is False and defaults["allow_meter_writes"] is False
