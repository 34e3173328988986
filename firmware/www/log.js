// The section Log: what happened at the meter (events) and what the device wrote (its log, the newest first). Uses lib.js.
// Promises: texts of the device are shown as text; what was lost because memory is short is not made up.

import {ask, button, card, changed, language, make, named, saying, span, t, told, words} from "/lib.js";

let events, lines, said, refresh;

export function open(node) {
  events = make("ul.events");
  lines = make("ol.lines");
  said = saying();
  refresh = button(t("refresh"), "", said, load);
  node.append(card(t("events"), events), make("div.card", {}, make("div.between", {}, make("h3", {}, t("device_log")), refresh), said,
    make("div.scroll", {tabIndex: 0, role: "region", "aria-label": t("device_log")}, lines)));
  reopen();
}

export const reopen = () => refresh.click();

async function load() {
  const text = await ask("/api/log", {read: "text"});
  lines.replaceChildren(...text.split("\n").filter(Boolean).reverse().map(line => {
    const level = (/\b(warning|error)\b/.exec(line) || [""])[0];
    return make("li" + (level ? "." + level : ""), {}, line);
  }));
  return text ? "" : t("log_empty");
}

export function show({status}) {
  const rows = [...(status.events || [])].reverse();
  if (!changed(events, rows)) return;
  events.replaceChildren(...rows.map(row => make("li", {}, make("time.label", {dateTime: row.at || ""}, when(row)), " ", what(row))));
  if (!rows.length) events.append(make("li.label", {}, t("no_events")));
}

function when({at, age_s}) {
  if (!at) return t("ago", span(age_s));
  return new Intl.DateTimeFormat(language, {dateStyle: "short", timeStyle: "medium"}).format(new Date(at));
}

function what({what, key}) {
  return t("event_" + what, what === "state" ? named("state_", key)
    : told(what === "appeared" || what === "gone" ? "flags" : "registers", key, words(key)));
}
