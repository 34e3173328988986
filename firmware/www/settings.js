// The section Settings: a form made of the device's own table (GET /api/config), so that a new setting needs nothing here;
// the Wi-Fi; updates; export and import; restart and care. Uses lib.js. Promises: only what was changed is sent, secrets are
// never shown, a refusal stands at its field, and what cannot be undone is asked twice.

import {$, ask, button, card, make, problem, put, saying, say, sentence, t, told, upload, wait, words} from "/lib.js";
import {passwordHash} from "/hash.js";

const MOST_BYTES = 900;          // of one request; the device takes 1024
const LOOK_MS = 2000;            // while something is under way on the device
const JOINING_MS = 40000;        // it gives a network 20 s
const RESTART_MS = 120000;
const AROUND_BYTES = 1024;       // what a bundle has at most around its image

let rows = [], form, said, save, wifi, update, restartNeeded;

export async function open(node, device) {
  form = make("div.stack", {oninput: count});
  said = saying();
  save = button(t("save"), "main", said, store);
  wifi = card(t("wifi"), make("p.label", {}, t("wifi_text")), onDemand("wifi", showWifi));
  update = card(t("update"), make("p.label", {}, t("update_text")), onDemand("update", showUpdate));
  restartNeeded = make("div.flag", {hidden: true}, t("restart_needed"));
  node.append(restartNeeded, form);
  await load();                  // first, so that nothing moves under a finger
  node.append(make("div.savebar", {}, save, said), make("div.grid", {}, wifi, update, copies(), care()));
  const {wifi: network} = device.status || {};
  if (!network || network.ssid) return;
  restartNeeded.before(wifi);    // the first start: what has to be done stands first
  wifi.append(make("p.flag", {}, [t("wifi_first"), rows.some(row => row.key === "owner_password" && !row.set) ? t("password_first") : ""].join(" ")));
}

export const reopen = () => load();

async function load() {
  let found;
  try {
    found = await ask("/api/config", {read: "plain"});
    rows = found.settings;
  } catch (error) {
    return say(said, "bad", problem(error));
  }
  const open = [...form.querySelectorAll("details[open]")].map(one => one.dataset.group);
  form.replaceChildren(...Object.entries(found.groups).map(([group, about]) => make("details.card", {"data-group": group, open: open.includes(group)},
    make("summary", {}, make("span", {}, told("groups", group, title(group)), make("span.label", {}, told("groups", group) ? "" : about))),
    make("form", {onsubmit: event => {
      event.preventDefault();
      save.click();
    }}, rows.some(row => row.group === group && row.secret) ? username() : null, rows.filter(row => row.group === group).map(field)))));
  restartNeeded.hidden = !rows.some(row => row.waits);
  count();
}

const SPELT = {wifi: "Wi-Fi", bacnet: "BACnet", kmptcp: "KMP over TCP"};

// What a key is called where the language of the page has no name for it: "mqtt_tls" is "MQTT TLS".
function title(key) {
  return words(key.replace(/_(s|ms|deg|kib)$/, (_, unit) => " (" + ({deg: "°", kib: "KiB"}[unit] || unit) + ")"))
    .replace(/\b(wifi|bacnet|kmptcp|mqtt|http|tls|ntp|ca|ha|bbmd|ttl|ssid)\b/gi, word => SPELT[word.toLowerCase()] || word.toUpperCase());
}

// What a password manager keeps a password under.
function username() {
  return make("input", {hidden: true, type: "text", autocomplete: "username", value: "owner"});
}

// --- one setting

function field(row) {
  const id = "set-" + row.key;
  const input = control(row, id);
  row.input = input;
  row.said = make("span.said", {id: id + "-said", role: "status"});
  const help = make("span.help", {id: id + "-help"}, helpText(row));
  input.setAttribute("aria-describedby", id + "-help " + id + "-said");
  return make("div.field", {}, make("label", {htmlFor: id}, told("settings", row.key, title(row.key))), input, help, row.said);
}

function control(row, id) {
  const {kind, allowed, value, secret} = row;
  const shown = row.default == null ? t("not_set") : String(row.default);
  if (kind === "bool" || kind === "choice") {
    const options = kind === "bool" ? ["true", "false"] : row.default == null ? ["", ...allowed] : allowed;
    return make("select", {id}, options.map(one => make("option", {value: one, selected: String(value ?? "") === one},
      one === "" ? t("not_set") : kind === "bool" ? t(one === "true" ? "yes" : "no") : words(one))));
  }
  const input = make("input", {id, type: secret ? "password" : "text", value: value == null ? "" : String(value), autocomplete: secret ? "new-password" : "off",
    placeholder: secret ? t(row.set ? "secret_set" : "not_set") : shown, spellcheck: false});
  if (kind === "int") input.inputMode = "numeric";
  return input;
}

function helpText(row) {
  const {kind, allowed} = row;
  const range = kind === "int" ? t("range", ...allowed) : kind === "text" || kind === "password" ? t("length", ...allowed) : "";
  const help = told("settings", row.key) ? "" : sentence(row.help);
  return [help, range && sentence(range), row.live ? "" : t("after_restart"), row.waits ? t("waits") : ""].filter(Boolean).join(" ");
}

// What the field says now, as the device takes it; undefined: it was not touched.
function wanted(row) {
  const text = row.input.value;
  if (row.secret) return text === "" ? undefined : text;
  if (text === String(row.value ?? "")) return undefined;
  if (text === "") return null;
  if (row.kind === "bool") return text === "true";
  return row.kind === "int" && /^-?\d+$/.test(text) ? Number(text) : text;
}

function changes() {
  return rows.map(row => [row, wanted(row)]).filter(([, value]) => value !== undefined);
}

function count() {
  const many = changes().length;
  put(save, many ? t("save_count", many) : t("save"));
}

async function store() {
  for (const row of rows) {
    say(row.said, "", "");
    row.input.removeAttribute("aria-invalid");
  }
  const changed = changes();
  if (!changed.length) return t("nothing_changed");
  const data = {};
  for (const [row, value] of changed) data[row.key] = row.kind === "password" && value ? passwordHash(row, value, wrong) : value;
  return change(data);
}

function wrong(row, text) {
  say(row.said, "bad", text);
  row.input.closest("details").open = true;
  row.input.setAttribute("aria-invalid", "true");
  row.input.focus({preventScroll: true});
  row.input.scrollIntoView({block: "center"});  // not behind the bar with the button
}

// All of it in one request where it fits, else in as few as possible; each is saved whole or refused whole.
async function change(data) {
  const parts = [{}];
  for (const [key, value] of Object.entries(data)) {
    const next = {...parts[parts.length - 1], [key]: value};
    if (new TextEncoder().encode(JSON.stringify(next)).length > MOST_BYTES) parts.push({[key]: value});
    else parts[parts.length - 1] = next;
  }
  let waits = [];
  for (const part of parts) {
    try {
      waits = waits.concat((await ask("/api/config", {method: "PUT", body: part, read: "plain", limit: 60000})).restart);
    } catch (error) {
      const row = error.told && rows.find(one => one.key === error.told.key);
      if (row) wrong(row, error.message);
      throw error;
    }
  }
  await load();
  return t(waits.length ? "saved_restart" : "saved");
}

// --- export and import

function copies() {
  const mine = saying();
  const load_ = button("", "", mine, async () => {
    const file = $("import");
    const text = await file.files[0].text();
    file.value = "";
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      throw refused(told("refused", "not_json"));
    }
    for (const row of rows) if (row.secret) delete data[row.key];
    return change(data);
  });
  load_.hidden = true;
  return card(t("copy_settings"), make("p.label", {}, t("copy_settings_text")), make("p.row", {}, button(t("export"), "", mine, () => {
    const data = {};
    for (const row of rows) if (row.set && !row.secret) data[row.key] = row.value;
    const link = make("a", {href: URL.createObjectURL(new Blob([JSON.stringify(data, null, 1)], {type: "application/json"})), download: "kmpeye-settings.json"});
    link.click();
    URL.revokeObjectURL(link.href);
  }), chooser("import", t("import"), ".json", () => load_.click())), load_, mine);
}

// A button that asks for a file.
function chooser(id, text, accept, chosen) {
  const file = make("input.unseen", {id, type: "file", accept, tabIndex: -1, onchange: () => chosen(file)});
  return [make("button", {type: "button", onclick: () => file.click()}, text), make("label.unseen", {htmlFor: id}, text), file];
}

// --- Wi-Fi

// Shown when it is asked for: what the networks and updates are is the owner's, and the browser asks for the password.
function onDemand(what, show) {
  const mine = saying();
  const asking = button(t("show"), "", mine, async () => show(await ask("/api/" + what, {read: "plain"})));
  asking.setAttribute("aria-label", t("show") + ": " + t(what));
  return make("div", {}, make("p.row", {}, asking), mine);
}

function showWifi(state) {
  const mine = saying();
  const name = make("input", {id: "wifi-name", type: "text", maxLength: 32, autocomplete: "off", value: state.ssid || "", spellcheck: false});
  const password = make("input", {id: "wifi-password", type: "password", maxLength: 63, autocomplete: "new-password"});
  const found = make("ul.networks", {"aria-label": t("networks")});
  wifi.replaceChildren(make("h3", {}, t("wifi")), make("p.label", {}, t("wifi_state", state.ssid || "–", state.address || "–", state.rssi == null ? "–" : state.rssi)),
    found, make("form", {onsubmit: event => event.preventDefault()}, username(), make("div.field", {}, make("label", {htmlFor: "wifi-name"}, t("wifi_name")), name),
    make("div.field", {}, make("label", {htmlFor: "wifi-password"}, t("wifi_password")), password)),
    make("p.row", {}, button(t("scan"), "", mine, async () => {
      const {networks} = await ask("/api/wifi?scan", {read: "plain", limit: 30000});
      found.replaceChildren(...networks.map(one => make("li", {}, make("button", {type: "button", onclick: () => {
        name.value = one.ssid;
        password.focus();
      }}, make("span", {}, one.ssid, one.secured ? "" : " (" + t("wifi_open") + ")"), make("span.label", {}, one.rssi + " dBm")))));
      return t("networks_found", networks.length);
    }), button(t("join"), "main", mine, async () => {
      const [wrong, ...limits] = !name.value ? [name, 1, 32] : password.value && password.value.length < 8 ? [password, 8, 63] : [];
      if (wrong) {
        wrong.focus();
        throw refused(t("allowed_text", ...limits));
      }
      await ask("/api/wifi", {method: "PUT", body: {ssid: name.value, password: password.value}, read: "plain", limit: 60000});
      return joined(name.value, state.host);
    })), mine);
}

// What became of it, as far as it can be heard: the connection that asks may end with the joining.
async function joined(name, host) {
  for (const end = Date.now() + JOINING_MS; Date.now() < end; ) {
    await wait(LOOK_MS);
    let now;
    try {
      now = await ask("/api/wifi", {read: "plain"});
    } catch {
      continue;
    }
    if (now.trying) continue;
    if (now.state === "joined" && now.ssid === name) return t("joined", name, "http://" + now.address + (location.port && ":" + location.port) + "/", now.host);
    if (now.error) {
      const why = now.error.split(": ").pop();  // after the name of the network
      throw refused(t("not_joined", name + ": " + told("whys", why.replace(/ \(\d+\)$/, ""), why)));
    }
  }
  return t("joining", host);
}

const refused = text => Object.assign(new Error(text), {told: {}});

// --- updates

function showUpdate(now, restarted) {
  const mine = saying(), stands = saying();
  const bar = make("progress", {hidden: true, value: 0, "aria-label": t("update_sent")});
  const choose = chooser("bundle", t("update_choose"), ".bundle", ({files}) => {
    say(mine, "", "");
    older.hidden = true;
    go.hidden = !files.length;
    if (files.length) put(go, t("upload", files[0].name));
  });
  const send = question => sendBundle($("bundle").files[0], question, {now, bar, older, mine});
  const go = button("", "main", mine, () => send(""));
  const older = button(t("really", t("update_older")), "danger", mine, () => send("?downgrade=yes"));
  go.hidden = older.hidden = true;
  const again = button(t("refresh"), "", mine, async () => showUpdate(await ask("/api/update", {read: "plain"})));
  const none = now.room ? now.key ? "" : told("updates", "no_key") : told("updates", "no_place");
  update.replaceChildren(make("h3", {}, t("update")), make("p.label", {}, t("update_text")), make("p", {}, t("update_runs", now.version)), stands,
    ...none ? [make("p", {}, none)] : now.state === "trial" ? [make("p.row", {}, again)] : [make("p.row", {}, choose, go, older), bar],
    restarted ? make("p.row", {}, button(t("reload"), "", mine, () => location.reload())) : "", mine);
  if (now.state === "trial") say(stands, "wait", t("update_trial", now.update));
  if (now.state === "failed") say(stands, "bad", t("update_failed", now.update, told("whys", now.why.split(/[:\d]/)[0].trim(), now.why)));
}

async function sendBundle(bundle, question, {now, bar, older, mine}) {
  older.hidden = true;
  if (bundle.size > now.room + AROUND_BYTES) throw refused(t("update_too_large", bundle.size, now.room));
  await ask("/api/update", {read: "plain"});  // the browser proves the password now, and need not send the bundle twice
  bar.value = 0;
  bar.hidden = false;
  let taken;
  try {
    taken = await upload("/api/update" + question, bundle, share => { bar.value = share; });
  } catch (error) {
    if (!error.told) throw error;
    older.hidden = error.told.code !== "downgrade";
    throw refused(told("updates", error.told.code, error.message));
  } finally {
    bar.hidden = true;
  }
  say(mine, "", t("update_restarts", taken.accepted));
  for (const end = Date.now() + RESTART_MS; Date.now() < end; ) {
    await wait(LOOK_MS);
    try {
      const found = await ask("/api/update", {read: "plain"});
      if (found.version === taken.accepted || found.state === "failed") return showUpdate(found, true);
    } catch { /* it restarts */ }
  }
  throw new Error("it did not return");
}

// --- care

function care() {
  const mine = saying();
  const keep = make("input", {type: "checkbox", checked: true});
  const act = (path, body) => async () => {
    await ask("/api/" + path, {method: "POST", body, read: "plain", limit: 60000});
    return t("accepted");
  };
  return card(t("care"), make("p.row", {}, button(t("restart"), "", mine, act("restart"))),
    twice("meter_exchanged", mine, () => act("meter-exchanged", {really: true})()),
    twice("forget_wifi", mine, () => act("forget-wifi", {really: true})()),
    twice("factory_reset", mine, () => act("factory-reset", {really: true, keep_history: keep.checked})(),
      make("label.check", {}, keep, " " + t("keep_history"))), mine);
}

// Opens to say what will happen; the button inside does it.
function twice(name, mine, action, ...more) {
  return make("details.twice", {}, make("summary", {}, t(name)), make("p", {}, t(name + "_text")), ...more, make("p.row", {}, button(t("really", t(name)), "danger", mine, action)));
}
