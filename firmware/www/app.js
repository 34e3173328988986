// The page's behaviour: asks /api/reading and /api/status, one after the other, and shows what they say.
// No framework, no other host. Promises: the digits shown are the digits sent (no value ever becomes a
// JavaScript number), a missing field never breaks the page, and silence of the device is said in words.
"use strict";

const POLL_MS = 3000;            // one small request each; the device reads the meter far less often
const POLL_HIDDEN_MS = 30000;    // the tab is not looked at
const RETRY_MS = 1500;           // after a failure
const ANSWER_MS = 6000;          // no answer within this: the device is out of reach
const FAILURES_SHOWN = 2;        // one lost packet in a cellar is not news
const TOTALS = ["heat_energy", "cooling_energy", "volume", "energy_in"];  // the first one present is shown big
const MOMENTARY = new Set(["l/h", "m³/h", "l/min", "W", "kW", "MW", "V", "A", "°C", "K", "bar"]);  // units of "now"
const NOT_NOW = /^(min|max|avg|average|mean|target|peak)_|_(min|max|avg|average|year|month|day)$|target/;
const STATES = {                 // state of the device → tone and word; a state not listed here is shown by its name
  ok: ["good", "Up to date"],
  starting: ["wait", "Waiting for the first reading"],
  no_light: ["bad", "Meter silent"],
  echo_only: ["bad", "Only our own light"],
  garbled: ["bad", "Noise"],
  bad_crc: ["bad", "Answer damaged"],
  other_device: ["bad", "Wrong answer"],
  port_error: ["bad", "No line to the meter"],
  refused: ["bad", "Nothing offered"],
  out_of_memory: ["bad", "Out of memory"],
};

const $ = id => document.getElementById(id);
let failures = 0;
let timer = 0;
let lastAnswer = null;           // performance.now() of the last good answer
let clocks = {};                 // what counts between answers: {age, next, uptime} in seconds at lastAnswer

// Every number of a "value" becomes a string before JSON.parse could round it or drop its zeros. Inside a JSON
// string the quote before `:` would be escaped, so only real keys match.
function parseExact(text) {
  return JSON.parse(text.replace(/"value"\s*:\s*(-?\d[\d.eE+-]*)/g, '"value":"$1"'));
}

async function ask(path) {
  const abort = new AbortController();
  const limit = setTimeout(() => abort.abort(), ANSWER_MS);
  try {
    const answer = await fetch(path, {signal: abort.signal, cache: "no-store"});
    if (!answer.ok) throw new Error(path + ": " + answer.status);
    return parseExact(await answer.text());
  } finally {
    clearTimeout(limit);
  }
}

async function poll() {
  clearTimeout(timer);
  timer = 0;
  let pause = document.hidden ? POLL_HIDDEN_MS : POLL_MS;
  try {
    const reading = await ask("/api/reading");
    const status = await ask("/api/status");
    failures = 0;
    lastAnswer = performance.now();
    show(reading, status);
  } catch (error) {
    failures += 1;
    if (failures >= FAILURES_SHOWN) showOutOfReach();
    if (!document.hidden) pause = RETRY_MS;
  }
  tick();
  timer = setTimeout(poll, pause);
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;  // unchanged text is not read out again
}

// The number as sent, the thousands of a quantity set apart by style alone: copied, searched and read out it has its own digits.
function number(value, unit) {
  const made = element("span", undefined, "value");
  const parts = /^(-?)(\d+)(\.\d+)?$/.exec(value);
  if (parts) {
    const digits = parts[2];
    const first = unit && digits.length > 4 ? digits.length % 3 || 3 : digits.length;
    made.append(parts[1], digits.slice(0, first));
    for (let at = first; at < digits.length; at += 3) made.append(element("span", digits.slice(at, at + 3), "group"));
    if (parts[3]) made.append(element("span", parts[3], "decimals"));
  } else {
    made.append(value);
  }
  const both = element("span", undefined, "quantity");
  both.append(made);
  if (unit) both.append(element("span", " " + unit, "unit"));
  return both;
}

function words(name) {
  return name.charAt(0).toUpperCase() + name.slice(1).replace(/_/g, " ");
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 90) return whole + " s";
  if (whole < 90 * 60) return Math.round(whole / 60) + " min";
  if (whole < 36 * 3600) return Math.round(whole / 3600) + " h";
  return Math.round(whole / 86400) + " days";
}

function fill(list, rows) {
  // Rebuilt only when something changed, so that a selection or a screen reader's place survives.
  const key = JSON.stringify(rows);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...rows.map(([label, value, unit, flagged]) => {
    const row = element(list.tagName === "DL" ? "div" : "li", undefined, flagged ? "flagged" : undefined);
    const inList = list.tagName === "DL";
    row.append(element(inList ? "dt" : "span", label, "label"));
    const holder = element(inList ? "dd" : "span");
    holder.append(number(value, unit));
    row.append(holder);
    return row;
  }));
}

function show(reading, status) {
  const meter = reading.meter || {};
  const registers = reading.registers || {};
  const names = Object.keys(registers).filter(name => registers[name] && registers[name].value != null);
  const total = TOTALS.find(name => names.includes(name)) || names[0];
  const row = name => {
    const {label, value, unit} = registers[name];
    return [label || words(name), String(value), unit || "", name === "info" && !/^0*$/.test(value)];
  };

  put($("model"), meter.model || "Meter");
  put($("serial"), meter.serial ? "Serial number " + meter.serial : status.name || "kmpeye");
  showState(status, total !== undefined);
  fill($("warnings"), (status.warnings || []).map(text => ["", String(text)]));
  $("warnings").hidden = !(status.warnings || []).length;

  if (total === undefined) {
    put($("total-label"), "Reading");
    $("total").replaceChildren(element("span", "No reading yet", "none"));
    delete $("total").dataset.key;
    document.title = status.name || "kmpeye";
  } else {
    const [label, value, unit] = row(total);
    put($("total-label"), label);
    if ($("total").dataset.key !== value + unit) {
      $("total").dataset.key = value + unit;
      $("total").replaceChildren(number(value, unit));
      $("total").classList.toggle("long", value.length + unit.length > 9);
    }
    document.title = value + " " + unit + " · " + (status.name || "kmpeye");
  }
  const rest = names.filter(name => name !== total);
  const now = rest.filter(name => MOMENTARY.has(registers[name].unit) && !NOT_NOW.test(name));
  fill($("tiles"), now.map(row));
  $("tiles").hidden = !now.length;
  const others = rest.filter(name => !now.includes(name)).map(row);
  fill($("list"), others);
  $("more").hidden = !others.length;
  fill($("facts"), facts(meter, status));
  put($("device"), [status.name || "kmpeye", status.version].filter(Boolean).join(" "));
  clocks = {
    age: total === undefined ? null : reading.age_s,
    next: status.next_reading_s,
    interval: status.interval_s,
  };
}

function showState(status, hasReading) {
  const {state, text} = status;
  const [tone, word] = STATES[state] || (state ? ["bad", words(state)] : ["wait", "Waiting"]);
  say(tone, word, text ? sentence(text) : hasReading ? "" : "The meter has not been read since the device started.");
}

function showOutOfReach() {
  say("bad", "Out of reach", "The device does not answer. Is it powered, and is this phone on its Wi-Fi? Trying again.");
}

function say(tone, word, text) {
  $("state").dataset.tone = tone;
  document.body.classList.toggle("stale", word === "Out of reach");
  put($("state-word"), word);
  put($("state-text"), text);
}

function facts(meter, status) {
  const port = status.port || {}, line = status.line || {}, readings = status.readings || {};
  const rows = [];
  const add = (label, value, unit) => value == null || value === "" || rows.push([label, String(value), unit || ""]);
  add("Meter type", meter.type);
  add("Meter revision", meter.revision);
  add("Readings that succeeded", readings.ok);
  add("Readings that failed", readings.failed);
  add("Last failure", readings.last_error);
  add("Not offered by this meter", (status.not_offered || []).map(words).join(", "));
  add("Line to the meter", port.url);
  add("Trouble on the line", port.error);
  add("Times the line was opened", port.opened);
  add("Bytes heard", line.bytes);
  add("Frames heard", line.frames);
  add("Own light heard (echoes)", line.echoes);
  add("Frames with a wrong check sum", line.bad_crc);
  add("Frames with a wrong escape", line.bad_escapes);
  add("Bytes lost for want of room", line.overruns);
  add("Memory in use", status.heap && status.heap.alloc, "bytes");
  add("Memory free", status.heap && status.heap.free, "bytes");
  add("Device running for", status.uptime_s == null ? null : span(status.uptime_s));
  return rows;
}

function tick() {
  const passed = lastAnswer === null ? 0 : (performance.now() - lastAnswer) / 1000;
  const {age, next} = clocks;
  put($("age"), age == null ? "" : "Read " + span(age + passed) + " ago");
  put($("next"), next == null || document.body.classList.contains("stale") ? ""
    : next - passed > 0 ? "Next in " + span(next - passed) : "Next one due now");
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && timer) poll();  // timer is 0 while a poll is under way
});
setInterval(tick, 1000);
poll();
