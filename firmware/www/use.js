// The section Use: what was used in each hour, day, month or year, from the device's history, beside the same span before.
// Uses lib.js and span.js (the arithmetic). Promises: the digits are the meter's, sums are exact, a hole is drawn as one
// hole with the difference that is known, and whoever cannot see the bars has the same as a table.

import {ask, label, language, make, number, problem, put, say, saying, t} from "/lib.js";
import {GAUGES, Span, change, difference, position, slots, sum} from "/span.js";

const STEPS = ["hour", "day", "month", "year"];

let contents, chosen, root, pick, steps, title, chart, detail, figures, table, csv, earlier, later, said;
const spans = {};                // step → Span looked at

export async function open(node) {
  root = node;
  said = saying();
  pick = make("select", {"aria-label": t("register"), onchange: () => load({register: pick.value})});
  steps = make("div.segments", {role: "group", "aria-label": t("step")}, STEPS.map(step =>
    make("button", {type: "button", onclick: () => load({step})}, t("by_" + step))));
  title = make("h3", {"aria-live": "polite"});
  chart = make("ol.bars");
  detail = make("div.detail", {"aria-live": "polite"});
  figures = make("dl.figures");
  table = make("table");
  csv = make("a.button", {download: ""}, t("csv"));
  earlier = make("button.round", {type: "button", "aria-label": t("earlier"), onclick: () => move(-1)}, "‹");
  later = make("button.round", {type: "button", "aria-label": t("later"), onclick: () => move(1)}, "›");
  node.append(make("div.controls", {}, pick, steps), said, make("div.card.chart", {},
    make("div.between", {}, earlier, title, later),
    figures, chart, detail), make("details.card", {}, make("summary", {}, t("table")), make("div.scroll", {tabIndex: 0, role: "region", "aria-label": t("table")}, table)), make("p", {}, csv));
  chart.addEventListener("keydown", walk);
  await begin();
}

export const reopen = () => begin();

async function begin() {
  try {
    contents = await ask("/api/history", {read: "plain"});
  } catch (error) {
    return say(said, "bad", problem(error));
  }
  if (!contents.to) return say(said, "", t("no_history"));
  pick.replaceChildren(...contents.registers.map(key => make("option", {value: key}, label(key))));
  chosen = chosen || {register: contents.registers[0], step: "hour"};
  await load({});
}

function move(by) {
  spans[chosen.step] = spans[chosen.step].moved(by);
  load({});
}

async function load(changed) {
  chosen = {...chosen, ...changed};
  const {register, step} = chosen;
  const span = spans[step] = spans[step] || Span.holding(step, contents.to);
  [...steps.children].forEach((one, at) => one.setAttribute("aria-pressed", STEPS[at] === step));
  pick.value = register;
  later.disabled = !span.moved(1).begins(contents.to);
  earlier.hidden = later.hidden = step === "year";  // all of them are shown
  put(title, span.title(language, contents));
  csv.href = "/api/history.csv?" + span.query(register, contents);
  root.setAttribute("aria-busy", "true");
  say(said, "", "");
  try {
    const now = await rows(register, span);
    const before = step === "year" ? [] : await rows(register, span.moved(-1));
    if (chosen.register === register && spans[chosen.step] === span) draw(span, now, before);
  } catch (error) {
    say(said, "bad", problem(error));
  }
  root.removeAttribute("aria-busy");
}

// The rows of a span; none where nothing was recorded in it.
async function rows(register, span) {
  if (span.misses(contents)) return [];
  try {
    return (await ask("/api/history?" + span.query(register, contents))).rows;
  } catch (error) {
    if (error.status === 404) return [];
    throw error;
  }
}

// --- drawing

function draw(span, rows, rowsBefore) {
  const unit = rows.length ? rows[rows.length - 1].unit : "";
  const isGauge = GAUGES.has(unit);
  const now = slots(span, rows, unit, language);
  const before = rowsBefore.length ? slots(span.moved(-1), rowsBefore, unit, language) : [];
  const known = [...now, ...before].filter(slot => slot.value != null && !slot.hole).map(slot => slot.value);
  const scale = position(known, isGauge);
  let at = 0;
  chart.style.setProperty("--slots", now.reduce((count, slot) => count + slot.width, 0));
  chart.dataset.step = span.step;
  chart.replaceChildren(...now.map((slot, index) => {
    const old = same(before, slot);
    const bar = make("span." + (slot.hole ? "hole" : isGauge ? "dot" : slot.open ? "bar.open" : "bar"));
    if (slot.value != null && !slot.hole) bar.style[isGauge ? "bottom" : "height"] = scale(slot.value) + "%";
    else if (!slot.hole) bar.hidden = true;
    const ghost = make("span." + (isGauge ? "dot.ghost" : "ghost"), {hidden: !old || old.value == null});
    if (!ghost.hidden) ghost.style[isGauge ? "bottom" : "height"] = scale(old.value) + "%";
    const marked = at % span.every === 0 || slot.width > 1;
    at += slot.width;
    const one = make("button", {type: "button", tabIndex: index ? -1 : 0, "aria-label": spoken(slot, old, unit)}, ghost, bar);
    const choose = () => {
      for (const other of chart.querySelectorAll("button")) {
        other.tabIndex = other === one ? 0 : -1;
        other.classList.toggle("chosen", other === one);
      }
      tell(span, slot, old, unit);
    };
    one.addEventListener("click", choose);
    one.addEventListener("focus", choose);
    const item = make("li", {}, one, make("span.tick", {"aria-hidden": "true"}, marked && slot.width === 1 ? slot.tick : ""));
    item.style.gridColumn = "span " + slot.width;
    return item;
  }));
  detail.replaceChildren(make("p", {}, t(now.length ? "tap" : "nothing_recorded")));
  chart.hidden = !now.length;
  showFigures(span, now, before, unit, isGauge);
  showTable(now, before, unit);
}

// The slot of the span before that is as long as this one; a hole is compared with nothing.
function same(before, slot) {
  return slot.width > 1 ? undefined : before.find(one => one.index === slot.index && one.width === 1 && !one.hole);
}

function worth(slot, unit) {
  return slot && slot.value != null ? slot.value + " " + unit : t("unknown");
}

function spoken(slot, old, unit) {
  const note = slot.hole ? " (" + t("hole") + ")" : slot.open ? " (" + t("open") + ")" : slot.broken ? " (" + t("broken") + ")" : "";
  return slot.label + ": " + worth(slot, unit) + note + (old ? "; " + t("before") + ": " + worth(old, unit) : "");
}

function tell(span, slot, old, unit) {
  const inner = span.inside(slot);
  detail.replaceChildren(make("p", {}, make("strong", {}, slot.label)),
    make("p.exact", {}, slot.value == null ? t("unknown") : number(slot.value, unit)),
    make("p", {}, slot.hole ? t("hole_text") : slot.open ? t("open_text") : slot.broken ? t("broken") : slot.row && slot.row.filled ? t("filled") : "",
      old ? make("span.label", {}, " " + t("before") + ": " + worth(old, unit)) : null),
    inner ? make("button.small", {type: "button", onclick: () => {
      spans[inner.step] = inner;
      load({step: inner.step});
    }}, t("look_inside")) : "");
}

function showFigures(span, now, before, unit, isGauge) {
  figures.hidden = isGauge || !now.length;
  if (figures.hidden) return;
  const used = isWhole(span, now) ? sum(now) : null;
  const end = span.holds(contents.to) ? Math.max(...now.filter(slot => slot.row).map(slot => slot.index + slot.width)) : Infinity;
  const part = before.filter(slot => slot.index < end);
  const last = part[part.length - 1];
  const cut = !last || (end !== Infinity && last.index + last.width > end);  // a hole that reaches over: not known
  const old = !cut && isWhole(span.moved(-1), before) ? sum(part) : null;
  const cell = (name, inside) => make("div", {}, make("dt", {}, name), make("dd", {}, inside));
  figures.replaceChildren(cell(t("in_all"), used == null ? t("unknown") : number(used, unit)));
  if (span.step === "year") return;
  figures.append(cell(t(end === Infinity ? "before" : "before_part"), old == null ? t("unknown") : number(old, unit)));
  if (old != null && used != null) {
    const more = difference(used, old);
    figures.append(cell(t("change"), make("span", {}, number(more.startsWith("-") ? more : "+" + more, unit), make("span.label", {}, change(used, old)))));
  }
}

// Is there a row for each slot that has passed? Where a hole reaches over the edge there is none, and the sum is not
// known; before the first record of all and after the last one nothing is missing.
function isWhole(span, some) {
  const first = some[0];
  const last = some[some.length - 1];
  return Boolean(first.row || span.starts(contents.from)) && Boolean(last.row || span.holds(contents.to));
}

function showTable(now, before, unit) {
  const head = [t("time"), t("used") + (unit ? " (" + unit + ")" : ""), t("before"), t("note")];
  table.replaceChildren(make("thead", {}, make("tr", {}, head.map(text => make("th", {scope: "col"}, text)))),
    make("tbody", {}, now.map(slot => {
      const old = same(before, slot);
      return make("tr", {}, make("th", {scope: "row"}, slot.label), make("td", {}, slot.value ?? "–"), make("td", {}, old ? old.value ?? "–" : "–"),
        make("td", {}, slot.hole ? t("hole") : slot.open ? t("open") : slot.broken ? t("broken") : slot.row ? "" : t("unknown")));
    })));
}

function walk(event) {
  const all = [...chart.querySelectorAll("button")];
  const at = all.indexOf(document.activeElement);
  const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1}[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  if (all[to]) all[to].focus();
}
