"""The distribution's Prometheus scrapes the compiled firmware on 32-bit MicroPython, and answers for what is shipped
beside it: each query of the Grafana dashboard, each alert rule. The dashboard's own shape is checked as far as it goes.

Uses late_client.py, docs/grafana-dashboard.json, docs/prometheus-alerts.yml and metrics_alerts.yml. Promises that the
Prometheus it started is stopped and what it stored is in the test's folder.
"""

import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from conftest import ROOT, absent
from host.http_client import free_port
from host.late_client import late

WAIT_S = 60  # Prometheus starts within 2 s here; each wait below ends as soon as there is what is waited for
ALERTS = ROOT / "docs" / "prometheus-alerts.yml"
DASHBOARD = json.loads((ROOT / "docs" / "grafana-dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
PROFILES = (
    "multical21",
    "multical603",
    "omnipower",
)  # water, heat, electricity: together they fill every panel


def tool(name):
    return shutil.which(name) or absent("no %s: run tools/install_system" % name)


class Prometheus:
    def __init__(self, port):
        self._url = "http://127.0.0.1:%d/api/v1/" % port

    def get(self, path, **parameters):
        url = self._url + path + "?" + urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(url, timeout=WAIT_S) as reply:
            return json.load(reply)["data"]

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def until(self, expression, count, process):
        """Wait until a query has that many results."""
        limit = time.monotonic() + WAIT_S
        while True:
            try:
                found = self.query(expression)
            except OSError:
                found = ()
            if len(found) == count:
                return
            assert process.poll() is None and time.monotonic() < limit, found
            time.sleep(0.1)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory, micropython32, flash):
    """Prometheus that has scraped three readers, at least twice."""
    folder = tmp_path_factory.mktemp("prometheus")
    with contextlib.ExitStack() as stack:
        sites = []
        for name in PROFILES:
            (folder / name).mkdir()
            sites.append(stack.enter_context(late(micropython32, flash, folder / name, name)))
        targets = [{"targets": ["127.0.0.1:%d" % site.port]} for site in sites]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ALERTS)],
            "scrape_configs": [{"job_name": "kmpeye", "static_configs": targets}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        port = free_port()
        process = subprocess.Popen(
            [
                tool("prometheus"),
                "--config.file=%s" % (folder / "prometheus.yml"),
                "--storage.tsdb.path=%s" % (folder / "data"),
                "--web.listen-address=127.0.0.1:%d" % port,
                "--log.level=warn",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            found = Prometheus(port)
            found.until("count_over_time(kmpeye_up[1m]) >= 3", len(PROFILES), process)
            yield found
        finally:
            process.terminate()
            process.wait(WAIT_S)


def test_prometheus_takes_it_as_openmetrics_with_types_and_units(prometheus):
    about = prometheus.get("metadata")
    for name, kind, unit in (
        ("kmpeye_volume_cubic_meters", "counter", "cubic_meters"),
        ("kmpeye_temperature_celsius", "gauge", "celsius"),
        ("kmpeye_meter", "info", ""),
        ("kmpeye_reads", "counter", ""),
    ):
        assert (about[name][0]["type"], about[name][0]["unit"]) == (kind, unit), name
    for target in prometheus.get("targets")["activeTargets"]:
        assert (target["health"], target["lastError"]) == ("up", "")


def test_the_values_in_prometheus_are_the_meters(prometheus):
    for expression, values in (
        ("kmpeye_volume_cubic_meters_total{register='volume'}", ["314.131"] * 2),
        ("kmpeye_flow_cubic_meters_per_second{register='flow'} * 3600", ["0.086"] * 2),
        ("kmpeye_energy_joules_total{register='heat_energy'}", ["6752016000000"]),
        ("kmpeye_power_factor_ratio", ["0.985"]),
        ("kmpeye_duration_seconds{register='battery_days'}", ["450403200"]),
    ):
        assert [row["value"][1] for row in prometheus.query(expression)] == values, expression


@pytest.mark.parametrize(
    "title, expression", QUERIES, ids=["%s-%d" % (q[0], i) for i, q in enumerate(QUERIES)]
)
def test_each_query_of_the_dashboard_has_an_answer(title, expression, prometheus):
    assert prometheus.query(expression.replace("$instance", ".+")), expression


def test_the_variable_of_the_dashboard_lists_the_readers(prometheus):
    reader = next(one for one in DASHBOARD["templating"]["list"] if one["name"] == "instance")
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", reader["definition"]).groups()
    assert reader["query"]["query"] == reader["definition"]
    assert len({row["metric"][label] for row in prometheus.query(metric)}) == len(PROFILES)


def test_the_rules_are_loaded_and_their_metrics_exist(prometheus):
    rules = prometheus.get("rules")["groups"][0]["rules"]
    assert len(rules) == 5
    for rule in rules:
        assert rule["health"] in ("ok", "unknown") and not rule.get("lastError"), rule
        for name in re.findall(r"\bkmpeye_\w+", rule["query"]):
            assert prometheus.query(name), name


def test_the_alerts_fire_when_they_have_to_and_not_before():
    done = subprocess.run(
        [tool("promtool"), "test", "rules", ROOT / "host_tests" / "host" / "metrics_alerts.yml"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_can_be_imported():
    assert DASHBOARD["id"] is None and DASHBOARD["schemaVersion"] >= 36
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
    for panel in PANELS:
        assert panel["type"] in ("stat", "timeseries") and panel["title"] and panel["description"]
        assert panel["datasource"] == source
        assert [target["refId"] for target in panel["targets"]] == list("ABC"[: len(panel["targets"])])
        for target in panel["targets"]:
            assert target["datasource"] == source
            assert target["expr"].count('{instance=~"$instance"') == target["expr"].count("kmpeye_")


def test_the_panels_of_the_dashboard_do_not_overlap():
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, panel["title"]
                taken.add((x, y))
