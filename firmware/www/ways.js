// The section Ways out: who else gets the readings, how each of them is, and its address to copy. Uses lib.js. Promises:
// what is off is said to be off, with the setting that switches it on; an address is only shown where something answers.

import {ask, changed, fill, make, named, put, saying, say, t} from "/lib.js";

const GOOD = new Set(["listening", "running", "connected", "online", "ready"]);
const HIDDEN = new Set(["state", "error"]);

let cards, settings, said;

export function open(node) {
  cards = make("div.grid");
  said = saying();
  node.append(make("p.lead", {}, t("ways_text")), cards, said);
}

export function show(device) {
  if (!settings) {
    const asked = settings = {}; // asked for once; without it the ports are not known
    ask("/api/config", {read: "plain"}).then(found => {
      for (const row of found.settings) asked[row.key] = row.value;
      if (asked === settings) draw(device.status.ways || {});  // else the section was left before
    }, () => {});
  }
  draw(device.status.ways || {});
}

export function close() {
  settings = null;
}

function draw(ways) {
  if (!changed(cards, [ways, settings])) return;
  const host = location.hostname;
  const here = location.origin;
  const port = name => settings[name] == null ? "" : ":" + settings[name];
  cards.replaceChildren(
    way(t("way_web"), "", {state: "running"}, [here + "/api/reading", here + "/api/events"]),
    way(t("way_history"), "", {state: "running"}, [here + "/api/history"]),
    way("Prometheus", "", {state: "running"}, [here + "/metrics"]),
    way("MQTT, Home Assistant", "mqtt_host", ways.mqtt_host, settings.mqtt_host ? [settings.mqtt_host + port("mqtt_port"), settings.mqtt_base + "/#"] : []),
    way("Modbus TCP", "modbus", ways.modbus, [host + port("modbus_port")]),
    way("BACnet/IP", "bacnet", ways.bacnet, [host + port("bacnet_port")]),
    way("KMP over TCP", "kmptcp", ways.kmptcp, ["socket://" + host + port("kmptcp_port")]));
}

function way(name, setting, status, addresses) {
  const wanted = setting && settings[setting];
  const state = status ? status.state : wanted ? "not_running" : "off";
  const tone = status && status.error ? "bad" : GOOD.has(state) ? "good" : state === "off" ? "off" : "wait";
  const rows = Object.entries(status || {}).filter(([key, value]) => !HIDDEN.has(key) && value != null);
  const list = make("dl");
  fill(list, rows.map(([key, value]) => [named("count_", key), String(value)]));
  return make("div.card.way", {}, make("div.between", {}, make("h3", {}, name), make("span.pill", {"data-tone": tone}, named("way_", state))),
    status && status.error ? make("p.said", {"data-tone": "bad"}, status.error) : null,
    status ? addresses.map(address) : make("p.label", {}, wanted ? t("way_restart") : t("way_off_text"), " ", make("a", {href: "#settings"}, t("settings"))),
    rows.length ? list : null);
}

function address(text) {
  return make("p.address", {}, make("code", {}, text), make("button.small", {type: "button", "aria-label": t("copy") + ": " + text, onclick: async event => {
    await copy(text);
    put(event.target, t("copied"));
    setTimeout(() => put(event.target, t("copy")), 2000);
    say(said, "good", t("copied"));
  }}, t("copy")));
}

// Without HTTPS a browser has no clipboard for scripts: the older way still works.
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = make("textarea", {value: text, readOnly: true});
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
