// The section Head: alignment with a live score, what was taken from the meter today, and what the line counted. Uses
// lib.js. Promises: leaving the section ends an alignment, and with it the asking; a sound only when it was wished for.

import {card, changed, fill, make, named, problem, put, say, saying, span, stream, t, told, words} from "/lib.js";

const QUIET_MS = 15000;          // a try comes every two seconds
const HEARD = {answer: "good", bad_crc: "wait", garbled: "wait", echo_only: "wait"};

let score, bar, heard, counts, said, start, sound, spent, line, facts;
let alignment = null;            // the AbortController of the one that runs
let audio = null;

export function open(node) {
  said = saying();
  score = make("output.score", {}, "–");
  bar = gauge(t("score"));
  heard = make("p.heard", {"aria-live": "polite"}, t("align_text"));
  counts = make("p.label");
  start = make("button.main", {type: "button", onclick: () => alignment ? alignment.abort() : align()}, t("align_start"));
  sound = make("input", {type: "checkbox", onchange: () => sound.checked && beep(0)});
  spent = make("div");
  line = make("dl");
  facts = make("dl");
  node.append(make("div.grid", {}, card(t("align"), make("div.align", {}, score, bar), heard, counts,
    make("p.row", {}, start, make("label.check", {}, sound, " " + t("sound"))), said), card(t("spent"), spent)),
  make("div.grid", {}, card(t("line"), line), card(t("reader"), facts)));
}

export function close() {
  if (alignment) alignment.abort();
}

async function align() {
  const mine = alignment = new AbortController();
  put(start, t("align_stop"));
  say(said, "", "");
  put(heard, t("align_begins"));
  try {
    await stream("/api/align", {method: "POST", signal: mine.signal, quietMs: QUIET_MS, hear: showTry});
    say(said, "good", t("align_over"));
  } catch (error) {
    if (mine.signal.aborted) say(said, "", t("align_over"));
    else say(said, "bad", problem(error));
  }
  alignment = null;
  put(start, t("align_start"));
}

function showTry(name, one) {
  if (!one.tries) return;        // it was over before the first
  put(score, String(one.score));
  setGauge(bar, one.score, 100, one.score >= 80 ? "good" : one.score >= 40 ? "wait" : "bad");
  put(heard, told("ui", "heard_" + one.heard, named("state_", one.heard)));
  heard.dataset.tone = HEARD[one.heard] || "bad";
  put(counts, t("align_counts", one.tries, one.good, one.left_s));
  if (sound.checked && name === "try") beep(one.score);
}

// Higher is better: the owner looks at the head, not at the screen.
function beep(points) {
  audio = audio || new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = 220 + 6.6 * points;
  volume.gain.value = 0.15;
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.12);
}

export function show({status}) {
  showSpent(status.budget || {}, status);
  const counted = status.line || {};
  const rows = (names, of) => names.filter(name => of[name] != null).map(name => [t("line_" + name), of[name], "", BAD.has(name) && of[name] ? "flagged" : ""]);
  fill(line, rows(["requests", "answers", "frames", "bytes", "echoes", "stray", "bad_crc", "bad_escapes", "overruns", "short", "cut", "stale"], counted));
  fill(facts, about(status));
}

const BAD = new Set(["bad_crc", "overruns", "bad_escapes"]);

function gauge(name) {
  return make("div.gauge", {role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0}, make("span"));
}

function setGauge(one, value, most, tone) {
  const percent = Math.min(100, 100 * value / most);
  one.dataset.tone = tone;
  one.firstChild.style.width = percent + "%";
  one.setAttribute("aria-valuenow", Math.round(percent));
}

function share(name, value, most, text) {
  const one = gauge(name);
  setGauge(one, value, most, value < most * 0.9 ? "good" : "bad");
  one.setAttribute("aria-valuetext", text);
  return make("div.share", {}, make("div.between", {}, make("span.label", {}, name), make("strong", {}, text)), one);
}

function showSpent(budget, status) {
  const {readings = {}, throttle} = status;
  if (!changed(spent, [budget, readings, throttle])) return;
  const rows = make("dl");
  fill(rows, [
    [t("readings_ok"), readings.ok], [t("readings_failed"), readings.failed], [t("last_error"), readings.last_error],
    ...Object.entries(readings.reasons || {}).map(([reason, count]) => ["– " + named("state_", reason), count]),
    [t("throttle"), throttle && t("throttle_text", throttle.given, throttle.bears)],
  ].filter(row => row[1] != null));
  spent.replaceChildren(...[
    budget.replies_limit && share(t("replies"), budget.replies, budget.replies_limit, t("of", budget.replies, budget.replies_limit)),
    budget.awake_s_limit && share(t("awake"), budget.awake_s, budget.awake_s_limit, t("of", span(budget.awake_s), span(budget.awake_s_limit))),
    make("p.label", {}, t("spent_text")), rows].filter(Boolean));
}

function about(status) {
  const port = status.port || {};
  const heap = status.heap || {};
  return [
    [t("profile"), status.profile], [t("alike"), (status.alike || []).join(", ")], [t("wake"), status.wake && words(status.wake)],
    [t("interval"), status.interval_s && span(status.interval_s)],
    [t("port"), port.url], [t("baud"), port.baud], [t("port_error"), port.error, "", "flagged"],
    [t("not_offered"), (status.not_offered || []).map(key => told("registers", key, words(key))).join(", ")],
    [t("heap"), heap.alloc && t("of", heap.alloc, heap.alloc + heap.free)],
    [t("uptime"), status.uptime_s != null ? span(status.uptime_s) : null],
  ].filter(row => row[1] != null && row[1] !== "");
}
