// Spans of time of the section Use and the arithmetic on what was used in them. Imports nothing; touches no page.
// Promises: dates are those of the device's time zone, as its history writes them; sums and differences are made of whole
// numbers and have every digit.

export const GAUGES = new Set(["°C", "K", "l/h", "m³/h", "W", "kW", "bar", "V", "A"]);  // not counted: shown as points

const HOUR_MS = 3600000;
const two = value => String(value).padStart(2, "0");

// A calendar day of the device as a Date in UTC, so that the browser's own time zone has no say.
const day = text => new Date(text.slice(0, 10) + "T00:00:00Z");
const iso = date => date.toISOString().slice(0, 10);

// The wall clock of a local time with its offset, so many ms later, as a Date in UTC.
function wall(text, laterMs = 0) {
  return new Date(Date.parse(text.slice(0, 19) + "Z") + laterMs);
}

// A day of hours, a month of days, a year of months, or all years.
export class Span {
  constructor(step, begin) {
    this.step = step;
    this.begin = begin;
    this.every = {hour: 6, day: 5, month: 1, year: 1}[step];  // one tick for so many slots
  }

  // The span that holds the last moment before a local time of the device.
  static holding(step, text) {
    const date = wall(text, -1000);
    if (step !== "hour") date.setUTCDate(1);
    if (step === "month" || step === "year") date.setUTCMonth(0);
    return new Span(step, day(iso(date)));
  }

  moved(by) {
    const date = new Date(this.begin);
    if (this.step === "hour") date.setUTCDate(date.getUTCDate() + by);
    else if (this.step === "day") date.setUTCMonth(date.getUTCMonth() + by);
    else date.setUTCFullYear(date.getUTCFullYear() + by);
    return new Span(this.step, date);
  }

  get end() {
    return this.moved(1).begin;
  }

  begins(text) {
    return this.step !== "year" && this.begin < wall(text);
  }

  // Does a local time lie in it?
  starts(text) {
    return this.step === "year" || (this.begin <= wall(text) && wall(text) < this.end);
  }

  // And the moment before it?
  holds(text) {
    const last = wall(text, -1000);
    return this.begin <= last && last < this.end;
  }

  // Was nothing at all recorded in it?
  misses(contents) {
    return this.step !== "year" && (this.end <= wall(contents.from) || this.begin >= wall(contents.to));
  }

  title(language, contents) {
    if (this.step === "year") return [...new Set([contents.from, contents.to].map(text => text.slice(0, 4)))].join("–");
    const form = {hour: {dateStyle: "full"}, day: {year: "numeric", month: "long"}, month: {year: "numeric"}}[this.step];
    return new Intl.DateTimeFormat(language, {...form, timeZone: "UTC"}).format(this.begin);
  }

  query(register, contents) {
    const years = this.step === "year";
    return new URLSearchParams({register, step: years ? "month" : this.step, from: years ? contents.from.slice(0, 4) + "-01-01" : iso(this.begin),
      to: iso(this.end)}).toString();
  }

  // The span that a slot is made of, null for an hour or what has no width of its own.
  inside(slot) {
    const step = {day: "hour", month: "day", year: "month"}[this.step];
    return step && slot.width === 1 ? new Span(step, slot.date) : null;
  }
}

// --- exact numbers

function parts(text) {
  const [whole, decimals = ""] = text.split(".");
  return [BigInt(whole + decimals), decimals.length];
}

function aligned(a, b) {
  const [one, few] = parts(a);
  const [other, many] = parts(b);
  const most = Math.max(few, many);
  return [one * 10n ** BigInt(most - few), other * 10n ** BigInt(most - many), most];
}

function shown(value, decimals) {
  const digits = String(value < 0n ? -value : value).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  return (value < 0n ? "-" : "") + whole + (decimals ? "." + digits.slice(-decimals) : "");
}

function add(a, b) {
  const [one, other, decimals] = aligned(a, b);
  return shown(one + other, decimals);
}

export function difference(a, b) {
  const [one, other, decimals] = aligned(a, b);
  return shown(one - other, decimals);
}

// The sum of what is known; null where nothing is.
export function sum(some) {
  return some.reduce((total, slot) => slot.value == null ? total : total == null ? slot.value : add(total, slot.value), null);
}

// " +12 %", rounded to whole percent; "" where there is nothing to compare with.
export function change(now, before) {
  const [one, other] = aligned(now, before);
  if (other <= 0n) return "";
  const tenths = Number((one - other) * 1000n / other);
  return " " + (tenths > 0 ? "+" : "") + Math.round(tenths / 10) + " %";
}

// Only for the height of a bar, never for a text: value → percent of the chart.
export function position(values, isGauge) {
  const numbers = values.map(Number);
  const most = Math.max(0, ...numbers);
  const least = isGauge && numbers.length ? Math.min(...numbers) : 0;
  const top = isGauge ? Math.max(...numbers) : most;
  return value => top === least ? (isGauge ? 50 : 0) : Math.max(0, (isGauge ? 4 : 0) + (Number(value) - least) / (top - least) * (isGauge ? 88 : 100));
}

// --- slots

// [{index, width, date, label, tick, value, row, hole, open, broken}] of a span: one for each hour, day, month or year; a
// row that covers several is one wide slot. value: text or null.
export function slots(span, rows, unit, language) {
  const usable = rows.filter(row => row.unit === unit);
  if (!usable.length) return [];
  const format = form => new Intl.DateTimeFormat(language, {...form, timeZone: "UTC"});
  const places = span.step === "hour" ? hourPlaces(span, usable) : datePlaces(span, usable);
  const {keys, dates} = places;
  const naming = {hour: null, day: format({weekday: "short", day: "numeric", month: "long"}), month: format({month: "long", year: "numeric"}), year: format({year: "numeric"})}[span.step];
  const ticks = {day: format({day: "numeric"}), month: format({month: "narrow"}), year: format({year: "numeric"})}[span.step];
  const made = keys.map((key, index) => ({index, width: 1, date: dates[index], value: null, row: null,
    tick: ticks ? ticks.format(dates[index]).replace(/\D*$/, span.step === "day" ? "" : "$&") : two(dates[index].getUTCHours())}));
  for (const row of usable) place(made, places, row, GAUGES.has(unit));
  const left = made.filter(slot => slot.width);
  for (const slot of left) {
    const last = dates[slot.index + slot.width - 1];
    slot.label = naming ? naming.format(slot.date) + (slot.width > 1 ? " – " + naming.format(last) : "")
      : two(slot.date.getUTCHours()) + ":00–" + two((last.getUTCHours() + 1) % 24) + ":00";
  }
  return left;
}

// Hours by the moment: a day of 23 or 25 of them has its own number.
function hourPlaces(span, rows) {
  const offset = text => text.slice(19);
  const begin = Date.parse(iso(span.begin) + "T00:00:00" + offset(rows[0].begin));
  const end = Date.parse(iso(span.end) + "T00:00:00" + offset(rows[rows.length - 1].end));
  const changed = rows.find(row => offset(row.begin) !== offset(rows[0].begin) || offset(row.end) !== offset(rows[0].begin));
  const turn = changed ? Date.parse(offset(changed.begin) === offset(rows[0].begin) ? changed.end : changed.begin) : Infinity;
  const east = text => Date.parse(text.slice(0, 19) + "Z") - Date.parse(text);
  const keys = [];
  const dates = [];
  for (let at = begin; at < end; at += HOUR_MS) {
    keys.push(at);
    dates.push(new Date(at + east(at < turn ? rows[0].begin : rows[rows.length - 1].end)));
  }
  return {keys, dates, keyOf: (text, laterMs) => Math.floor((Date.parse(text) + laterMs - begin) / HOUR_MS) * HOUR_MS + begin};
}

// Days, months or years by the calendar.
function datePlaces(span, rows) {
  const length = {day: 10, month: 7, year: 4}[span.step];
  const years = span.step === "year";
  const date = years ? day(rows[0].begin.slice(0, 4) + "-01-01") : new Date(span.begin);
  const end = years ? wall(rows[rows.length - 1].end, -1000) : span.end;
  const keys = [];
  const dates = [];
  while (years ? date <= end : date < end) {
    keys.push(iso(date).slice(0, length));
    dates.push(new Date(date));
    if (span.step === "day") date.setUTCDate(date.getUTCDate() + 1);
    else if (span.step === "month") date.setUTCMonth(date.getUTCMonth() + 1);
    else date.setUTCFullYear(date.getUTCFullYear() + 1);
  }
  return {keys, dates, keyOf: (text, laterMs) => iso(wall(text, laterMs)).slice(0, length)};
}

function place(made, {keys, keyOf}, row, isGauge) {
  let first = keys.indexOf(keyOf(row.begin, 0));
  let last = keys.indexOf(keyOf(row.end, -1000));
  if (first < 0 || last < 0) return;  // reaches over the edge: not of this span alone
  if (row.begin === row.end) last = first;
  while (!made[first].width) first -= 1;  // inside of a slot that is wide already
  const slot = made[first];
  if (row.consumption == null) {
    slot.broken = true;
    return;
  }
  const value = isGauge ? row.total : row.consumption;
  slot.value = slot.value == null || isGauge ? value : add(slot.value, value);
  slot.row = row;
  slot.open = slot.open || row.state === "open";
  if (last >= first + slot.width) {
    for (let at = first + 1; at <= last; at += 1) made[at].width = 0;
    slot.width = last - first + 1;
    slot.hole = true;
  }
}
