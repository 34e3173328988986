// The page's frame: follows the device, says how it is, and opens the sections. Uses lib.js; a section is a file that is
// loaded when it is opened first: export open(node, device) once, and where it likes show(device) at each change while it
// is seen, tick(device) every second, reopen() and close().
// Promises: one stream of events while the page is looked at, polling where the device has no place for one more, and
// silence of the device is said in words.

import {$, ask, fill, loadTexts, make, named, put, sentence, stream, t, told, wait, words} from "/lib.js";

const QUIET_MS = 40000;          // the device writes at least a comment every 15 s
const POLL_MS = 5000;
const POLLS = 3;                 // then a place for the stream is asked for again
const RETRY_MS = 1500;           // after a failure
const FAILURES_SHOWN = 2;        // one lost packet in a cellar is not news
const SECTIONS = ["now", "use", "head", "ways", "settings", "log"];
const TONES = {ok: "good", starting: "wait", throttled: "wait", budget_spent: "wait"};  // every other state is bad

// What is known of the device; since: performance.now() of the last answer, null before the first.
const device = {reading: null, status: null, since: null, reached: null};
const opened = {};               // sections that are loaded
let shown = "";
let failures = 0;
let following = new AbortController();

// --- following the device

function hear(name, data) {
  failures = 0;
  device.reached = true;
  if (name === "reading") {
    device.reading = data;
    device.since = performance.now();
  } else {
    // The first start: who is on the device's own Wi-Fi comes to bring it into the house's.
    if (!device.status && !location.hash && data.wifi && !data.wifi.ssid) location.hash = "#settings";
    device.status = data;
    refresh();
  }
}

async function poll() {
  for (let left = POLLS; left && !document.hidden; left -= 1) {
    hear("reading", await ask("/api/reading"));
    hear("status", await ask("/api/status"));
    await wait(POLL_MS);
  }
}

async function follow() {
  for (;;) {
    if (document.hidden) await seen();
    const abort = following = new AbortController();
    const hide = () => document.hidden && abort.abort();  // a place of the device is not held for nobody
    document.addEventListener("visibilitychange", hide);
    try {
      await stream("/api/events", {signal: abort.signal, quietMs: QUIET_MS, hear});
      failures += 1;  // the device ended it: it restarts, perhaps
    } catch (error) {
      try {
        if (error.status) await poll();
        else if (!abort.signal.aborted) failures += 1;
      } catch {
        failures += 1;
      }
    }
    document.removeEventListener("visibilitychange", hide);
    if (failures >= FAILURES_SHOWN) {
      device.reached = false;
      refresh();
    }
    if (failures) await wait(RETRY_MS);
  }
}

function seen() {
  return new Promise(done => document.addEventListener("visibilitychange", done, {once: true}));
}

addEventListener("pagehide", () => following.abort());  // its place is wanted for the next page

// --- what every section shows

function refresh() {
  const {reading, status} = device;
  if (status) {
    const meter = reading.meter || {};
    put($("model"), meter.model || "kmpeye");
    put($("serial"), meter.serial ? t("serial", meter.serial) : status.name || "kmpeye");
    put($("device"), [status.name || "kmpeye", status.version].filter(Boolean).join(" "));
    const warnings = [...(status.warnings || []), ...((status.history || {}).notes || [])];
    fill($("warnings"), warnings.map(text => ["", String(text)]));
    $("warnings").hidden = !warnings.length;
  }
  document.body.classList.toggle("stale", device.reached === false);
  showState(status || {});
  if (status) opened[shown]?.show?.(device);
}

function showState({state, text, advice}) {
  if (device.reached === false) return say("bad", t("out_of_reach"), t("out_of_reach_text"));
  if (!device.status) return;
  if (!state) return say("wait", t("waiting"), "");
  const todo = told("states", state) || [text, advice].filter(Boolean).map(sentence).join(" ");  // in English the device knows more
  say(TONES[state] || "bad", named("state_", state), state === "ok" ? "" : sentence(todo));
}

function say(tone, word, text) {
  $("state").dataset.tone = tone;
  put($("state-word"), word);
  put($("state-text"), text.trim());
}

// --- sections

async function open() {
  const wanted = location.hash.slice(1);
  if (wanted === "content") return;  // the link that skips to it
  const name = SECTIONS.includes(wanted) ? wanted : "now";
  const first = !shown;
  opened[shown]?.close?.();
  shown = name;
  for (const one of SECTIONS) $("view-" + one).hidden = one !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === "#" + name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!first) {
    $(name + "-title").focus({preventScroll: true});
    scrollTo(0, 0);
  }
  if (!opened[name]) {
    try {
      const section = await import("/" + name + ".js");
      section.open($("view-" + name), device);
      opened[name] = section;
    } catch {
      location.hash = "";  // it is tried again when it is opened again
      return;
    }
  } else {
    opened[name].reopen?.();
  }
  refresh();
}

function showLanguages(codes) {
  $("language").append(...codes.map(code => make("option", {value: code, lang: code, selected: code === document.documentElement.lang},
    words(new Intl.DisplayNames([code], {type: "language"}).of(code)))));
  $("language").addEventListener("change", () => {
    localStorage.setItem("language", $("language").value);
    location.reload();
  });
}

async function begin() {
  for (;;) {
    try {
      showLanguages(await loadTexts());
      break;
    } catch {
      await wait(RETRY_MS);
    }
  }
  addEventListener("hashchange", open);
  await open();
  setInterval(() => device.status && opened[shown]?.tick?.(device), 1000);
  follow();
}

begin();
