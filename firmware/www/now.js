// The section Now: the total, what flows at this moment, how old that is, what the meter complains about, and the rest of
// its registers. Uses lib.js. Promises: the digits shown are the digits sent; a value that is missing is said to be
// missing, with the reason, and an older one carries its age.

import {$, ask, button, card, changed, fill, label, make, number, put, saying, sentence, span, t, told, words} from "/lib.js";

const TOTALS = ["heat_energy", "cooling_energy", "volume", "energy_in"];  // the first one present is shown big
const MOMENTARY = new Set(["l/h", "m³/h", "l/min", "W", "kW", "MW", "V", "A", "°C", "K", "bar"]);  // units of "now"
const NOT_NOW = /^(min|max|avg|average|mean|target|peak)_|_(min|max|avg|average|year|month|day)$|target/;

let age, next, tiles, list, more, flags, missing;

export function open(node) {
  const said = saying();
  const read = button(t("read_now"), "wide", said, async () => {
    await ask("/api/read", {method: "POST", limit: 60000});
    return t("read_done");
  });
  age = make("span");
  next = make("span");
  tiles = make("ul.tiles", {"aria-label": t("moment"), hidden: true});
  node.querySelector(".hero").append(make("div.times", {}, make("p", {}, age, next), read), said);
  node.querySelector(".hero").after(tiles);
  flags = make("div.stack");
  missing = make("dl");
  list = make("dl");
  more = card(t("more"), list);
  node.append(flags, missing.card = card(t("missing"), missing), more);
  missing.card.hidden = more.hidden = true;
}

export function show({reading, status}) {
  const registers = reading.registers || {};
  const names = Object.keys(registers).filter(name => registers[name] && registers[name].value != null);
  const total = TOTALS.find(name => names.includes(name)) || names[0];
  const row = name => {
    const one = registers[name];
    const value = String(one.value);
    return [label(name, one.label), value, one.unit || "", name === "info" && !/^0*$/.test(value) ? "flagged" : ""];
  };
  const older = name => {
    const [text, ...rest] = row(name);
    const age_s = registers[name].age_s;
    return [age_s > 2 * (status.interval_s || 0) + 60 ? text + " (" + t("ago", span(age_s)) + ")" : text, ...rest];
  };
  if (total === undefined) {
    put($("total-label"), t("reading"));
    $("total").replaceChildren(make("span.none", {}, t("no_reading")));
    delete $("total").dataset.key;
    document.title = status.name || "kmpeye";
  } else {
    const [text, value, unit] = row(total);
    put($("total-label"), text);
    if (changed($("total"), value + unit)) {
      $("total").replaceChildren(number(value, unit));
      $("total").classList.toggle("long", value.length + unit.length > 10);
    }
    document.title = value + " " + unit + " · " + (status.name || "kmpeye");
  }
  const rest = names.filter(name => name !== total);
  const now = rest.filter(name => MOMENTARY.has(registers[name].unit) && !NOT_NOW.test(name));
  fill(tiles, now.map(row));
  tiles.hidden = !now.length;
  const others = rest.filter(name => !now.includes(name)).map(older);
  fill(list, others);
  more.hidden = !others.length;
  const lacking = Object.entries(reading.missing || {});
  fill(missing, lacking.map(([key, reason]) => [label(key), told("flags", reason, words(reason))]));
  missing.card.hidden = !lacking.length;
  showFlags(status);
  tick({reading, status, since: performance.now()});
}

function showFlags(status) {
  const active = status.flags || [];
  const hours = status.flag_hours || {};
  const held = status.held_back || [];
  if (!changed(flags, [active, hours, held])) return;
  flags.replaceChildren(...active.map(flag => {
    const [says, todo] = (status.flag_texts || {})[flag] || [words(flag), ""];
    const local = told("flags", flag);
    return make("div.flag", {role: "alert"}, make("strong", {}, local || says),
      hours[flag] ? " · " + t("flag_hours", hours[flag]) : "", local ? null : make("p", {}, sentence(todo)));
  }), ...Object.entries(hours).filter(([flag]) => !active.includes(flag)).map(([flag, text]) =>
    make("div.flag.past", {}, make("strong", {}, told("flags", flag, words(flag))), " · " + t("flag_hours", text))),
  ...held.map(text => make("div.flag.past", {}, text)));
}

export function tick({reading, status, since, reached}) {
  const passed = (performance.now() - since) / 1000;
  const has = Object.keys(reading.registers || {}).length;
  put(age, has && reading.age_s != null ? t("read_ago", span(reading.age_s + passed)) : "");
  const left = status.next_reading_s == null ? null : status.next_reading_s - passed;
  put(next, left == null || reached === false ? "" : left > 0 ? t("next_in", span(left)) : t("next_due"));
}
