// What the sections of the page share: texts, exact numbers, requests one after the other, and small pieces of the page.
// No framework, no other host. Promises: digits from the meter never become a JavaScript number, at most one request,
// one stream and one upload are under way at a time (the device has three places), and every wait ends.

const ANSWER_MS = 8000;          // no answer within this: the device is out of reach
const UPLOAD_MS = 610000;        // the device gives up after ten minutes
const TRIES = 3;                 // of a request that came while all places were taken
const BUSY_MS = 1200;

const texts = {ui: {}};
export let language = "en";

export const $ = id => document.getElementById(id);
export const wait = ms => new Promise(done => setTimeout(done, ms));

// --- texts

// The languages there are; takes the one chosen before, or the first the browser wishes for. tools/page_files.py has made
// one table of the files of all languages: {kind: [keys, the texts of the first key in each language, ...]}.
export async function loadTexts() {
  const {languages, ...kinds} = await ask("/texts.json", {read: "plain"});
  const wishes = [localStorage.getItem("language"), ...navigator.languages].filter(Boolean).map(one => one.slice(0, 2));
  language = wishes.find(one => languages.includes(one)) || "en";
  for (const [kind, [keys, all]] of Object.entries(kinds)) {
    const said = all.split("|").filter((_, at) => at % languages.length === languages.indexOf(language));
    texts[kind] = Object.fromEntries(keys.split("|").map((key, at) => [key, said[at]]));
  }
  document.documentElement.lang = language;
  translate(document);
  return languages;
}

// A text of the page in its language; {0}, {1} stand for the values.
export function t(key, ...values) {
  return (texts.ui[key] ?? key).replace(/\{(\d)\}/g, (_, at) => values[at]);
}

// What the device says in English, by its key, in the language of the page where that is known.
export function told(kind, key, english) {
  return texts[kind]?.[key] || english;
}

// What the device calls something, "state_" + "no_light": a text of the page, or else the word itself.
export function named(prefix, key) {
  return texts.ui[prefix + key] ?? words(key);
}

function translate(node) {
  for (const one of node.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of node.querySelectorAll("[data-t-label]")) one.setAttribute("aria-label", t(one.dataset.tLabel));
}

export function words(name) {
  return name.charAt(0).toUpperCase() + name.slice(1).replace(/_/g, " ");
}

export function sentence(text) {
  return text && text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 90) return t("seconds", whole);
  if (whole < 90 * 60) return t("minutes", Math.round(whole / 60));
  if (whole < 36 * 3600) return t("hours", Math.round(whole / 3600));
  return t("days", Math.round(whole / 86400));
}

// --- requests

// Every number of these keys becomes a string before JSON.parse could round it or drop its zeros. Inside a JSON string
// the quote before `:` would be escaped, so only real keys match.
export function exact(text) {
  return JSON.parse(text.replace(/"(value|consumption|total)"\s*:\s*(-?\d[\d.eE+-]*)/g, '"$1":"$2"'));
}

// A refusal of the device as an Error: its sentence in the language of the page, and what came with it.
async function refusal(answer) {
  let told = {};
  try {
    told = await answer.json();
  } catch { /* the status has to do */ }
  return inWords(told, answer.status);
}

function inWords(told, status) {
  return Object.assign(new Error(refused(told, status)), {status, told});
}

function refused(answer, status) {
  const {code, allowed, kind} = answer;
  if (code === "wrong_value" && kind) {
    if (kind === "int") return t("allowed_int", ...allowed);
    if (kind === "bool") return t("allowed_bool");
    if (kind === "choice") return t("allowed_choice", allowed.join(", "));
    return t("allowed_text", ...allowed);
  }
  if (code === "later") return t("refused_later", span(answer.wait_s));
  return sentence(told("refused", code) || told("states", code) || language === "en" && answer.error || t("status", status));
}

let last = Promise.resolve();

// The answer to a request: JSON with exact numbers, or with `plain` JSON as it is, or text. Requests wait for each other.
export function ask(path, options = {}) {
  const turn = last.then(() => send(path, options), () => send(path, options));
  last = turn.catch(() => {});
  return turn;
}

async function send(path, {method = "GET", body, read = "exact", limit = ANSWER_MS}) {
  for (let left = TRIES; ; ) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), limit);
    try {
      const answer = await fetch(path, {method, signal: abort.signal, cache: path === "/texts.json" ? "no-cache" : "no-store",
        body: body && JSON.stringify(body)});
      if (answer.ok) {
        if (read === "text") return await answer.text();
        return read === "plain" ? await answer.json() : exact(await answer.text());
      }
      left -= 1;
      if (answer.status !== 503 || !left) throw await refusal(answer);
    } finally {
      clearTimeout(timer);
    }
    await wait(BUSY_MS);
  }
}

// Sends a file as the body of a POST; hear(share) as it leaves, which fetch would not tell. The JSON of the answer.
export function upload(path, file, hear) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "json";
    request.timeout = UPLOAD_MS;
    request.upload.onprogress = event => hear(event.loaded / event.total);
    request.onload = () => request.status < 300 ? done(request.response) : fail(inWords(request.response || {}, request.status));
    request.onerror = request.ontimeout = () => fail(new Error("no answer"));
    request.send(file);
  });
}

// Server-sent events of a request: hear(name, data) for each; ends with the stream, throws when it is refused, lost, or
// silent for quietMs. Comments count as life, which an EventSource would not tell.
export async function stream(path, {method = "GET", signal, quietMs, hear}) {
  const abort = new AbortController();
  const stop = () => abort.abort();
  if (signal) signal.addEventListener("abort", stop);
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(stop, quietMs);
  };
  alive();
  try {
    const answer = await fetch(path, {method, signal: abort.signal, cache: "no-store"});
    if (!answer.ok) throw await refusal(answer);
    const decoder = new TextDecoder();
    const reader = answer.body.getReader();
    let text = "";
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      alive();
      text += decoder.decode(value, {stream: true});
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const found = /^event: (.*)\ndata: (.*)$/s.exec(text.slice(0, end));
        if (found) hear(found[1], exact(found[2]));
      }
    }
  } finally {
    clearTimeout(timer);
    if (signal) signal.removeEventListener("abort", stop);
  }
}

// --- pieces of the page

// An element: className with dots ("button.wide"), then attributes and properties, then what is in it.
export function make(kind, attributes = {}, ...inside) {
  const [name, ...classes] = kind.split(".");
  const made = document.createElement(name);
  made.className = classes.join(" ");
  if (!classes.length) made.removeAttribute("class");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...inside.flat().filter(one => one != null && one !== false));
  return made;
}

export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;  // unchanged text is not read out again
}

// The number as sent, the thousands of a quantity set apart by style alone: copied, searched and read out it has its own
// digits.
export function number(value, unit) {
  const made = make("span.value");
  const parts = /^(-?)(\d+)(\.\d+)?$/.exec(value);
  if (parts) {
    const digits = parts[2];
    const first = unit && digits.length > 4 ? digits.length % 3 || 3 : digits.length;
    made.append(parts[1], digits.slice(0, first));
    for (let at = first; at < digits.length; at += 3) made.append(make("span.group", {}, digits.slice(at, at + 3)));
    if (parts[3]) made.append(make("span.decimals", {}, parts[3]));
  } else {
    made.append(value);
  }
  return make("span.quantity", {}, made, unit ? make("span.unit", {}, " " + unit) : null);
}

// Does the node show something else than this by now? Only then it is made anew, so that a selection or a screen reader's
// place survives.
export function changed(node, data) {
  const key = JSON.stringify(data);
  if (node.dataset.key === key) return false;
  node.dataset.key = key;
  return true;
}

// Rows [label, value, unit, class] in a <dl> or <ul>.
export function fill(list, rows) {
  if (!changed(list, rows)) return;
  const isDl = list.tagName === "DL";
  list.replaceChildren(...rows.map(([label, value, unit, className]) => make((isDl ? "div" : "li") + (className ? "." + className : ""), {},
    make((isDl ? "dt" : "span") + ".label", {}, label), make(isDl ? "dd" : "span", {}, number(String(value), unit)))));
}

export function card(title, ...inside) {
  return make("div.card", {}, title ? make("h3", {}, title) : null, ...inside);
}

// A button that does something that takes a moment; its refusal appears in `said`, which is read out.
export function button(label, className, said, action) {
  const made = make("button" + (className ? "." + className : ""), {type: "button", onclick: async () => {
    made.disabled = true;
    say(said, "", t("working"));
    try {
      say(said, "good", await action() || "");
    } catch (error) {
      say(said, "bad", problem(error));
    }
    made.disabled = false;
  }}, label);
  return made;
}

export function saying() {
  return make("p.said", {role: "status"});
}

export function say(said, tone, text) {
  said.dataset.tone = tone;
  put(said, text);
}

// What went wrong with a request, for a person.
export function problem(error) {
  return error.told ? error.message : t("no_answer");
}

export function label(key, english) {
  return told("registers", key, english || words(key));
}
