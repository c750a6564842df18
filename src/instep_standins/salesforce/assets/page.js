// Polls the org and keeps the lists in step. All text is set as text, never as markup.
"use strict";

const number = new Intl.NumberFormat();
const EVERY = 1000, LATER = 4000, FIRST_ROWS = 20;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const COLOURS = [[/^resched/i, "amber"], [/^complet|^closed/i, "green"], [/^cancel/i, "red"], [/^no.show/i, "violet"]];
const EMPTY = {
  Event: "No events yet. One appears as soon as a booking arrives.",
  Lead: "No leads yet. New people appear here.",
  Contact: "No contacts yet.",
  Account: "No accounts yet.",
  Case: "No cases yet.",
};

const expanded = new Set();
const known = new Map(); // record id → stamp, to show what is new
let version = "", first = true;

const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Salesforce writes +0000; browsers are only sure to read Z.
const parse = (text) => new Date(text.replace("+0000", "Z"));

function text(type, value) {
  if (value === null || value === undefined || value === "") return null;
  if (type === "datetime") return moment.format(parse(value));
  return value === true ? "Yes" : String(value);
}

// Roles are said aloud because narrow screens lay tables out as cards, which takes the built-in ones away.
function td(label, kind, ...children) {
  return make("td", { role: "cell", class: kind, "data-label": label }, ...children);
}

function cell(column, value) {
  const shown = text(column.type, value);
  if (shown === null) return td(column.label, "none", "–");
  if (column.type === "picklist") {
    const colour = COLOURS.find(([pattern]) => pattern.test(shown));
    return td(column.label, "", make("span", { class: `chip ${colour ? colour[1] : ""}`, dir: "auto" }, shown));
  }
  const kind = { datetime: "time", textarea: "long", string: shown.length > 40 ? "long" : "" }[column.type] || "";
  return td(column.label, kind, make("bdi", { dir: "auto" }, shown));
}

function row(object, [id, stamp, head, ...values]) {
  const button = make("button", { type: "button", "data-record": id, dir: "auto" }, text("string", head) ?? "(no name)");
  const tr = make("tr", { role: "row" }, make("th", { role: "rowheader", scope: "row" }, button));
  tr.append(...values.map((value, index) => cell(object.columns[index + 1], value)));
  if (!first && known.get(id) !== stamp) tr.className = "fresh";
  known.set(id, stamp);
  return tr;
}

function sheet(label, heads, rows) {
  const headings = heads.map((head) => make("th", { role: "columnheader", scope: "col" }, head));
  const head = make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...headings));
  const table = make("table", { role: "table" }, head, make("tbody", { role: "rowgroup" }, ...rows));
  return make("div", { class: "sheet", role: "region", tabindex: "0", "aria-label": label }, table);
}

function section(id, title, total, content) {
  const heading = make("h2", { id: `${id}-title` }, title);
  const count = make("span", {}, total);
  return make("section", { id, "aria-labelledby": `${id}-title` }, make("div", { class: "title" }, heading, count), ...content);
}

function empty(words) {
  return make("div", { class: "sheet" }, make("p", { class: "empty" }, words));
}

function objectSection(object) {
  const shown = expanded.has(object.name) ? object.rows : object.rows.slice(0, FIRST_ROWS);
  if (!object.rows.length) return section(object.name, object.plural, "none", [empty(EMPTY[object.name])]);
  const content = [sheet(object.plural, object.columns.map((column) => column.label), shown.map((one) => row(object, one)))];
  if (shown.length < object.rows.length) {
    content.push(make("button", { type: "button", class: "more", "data-more": object.name }, `Show all ${object.rows.length}`));
  }
  const words = shown.length < object.total ? `${object.total}, the latest ${shown.length} shown` : `${object.total}`;
  return section(object.name, object.plural, words, content);
}

function callRow(call) {
  const good = call.status >= 200 && call.status < 400;
  const answer = call.status === 0 ? "no answer" : `${call.status}`;
  return make("tr", { role: "row" },
    td("Time", "time", clock.format(new Date(call.at))),
    td("What", "long", make("bdi", { dir: "auto" }, call.summary.join(", "))),
    td("Answer", "", make("span", { class: `chip ${good ? "green" : "red"}` }, `${answer} ${good ? "ok" : "failed"}`)),
    td("Took", "number", `${call.ms} ms`),
    td("API limit", "", call.counted ? "counted" : "free"));
}

function callsSection(told) {
  const total = `${told.counted} counted by the API limit`;
  if (!told.calls.length) return section("calls", "API calls", total, [empty("No calls yet. They appear as an app connects.")]);
  const heads = ["Time", "What", "Answer", "Took", "API limit"];
  return section("calls", "API calls", total, [sheet("API calls", heads, told.calls.map(callRow))]);
}

function link(id, label, count) {
  return make("li", {}, make("a", { href: `#${id}` }, label, make("b", {}, number.format(count))));
}

// Lists are rebuilt whole; what had the focus and how far a list was scrolled is put back.
function show(told) {
  const focused = document.activeElement?.dataset ?? {};
  const scrolled = new Map([...document.querySelectorAll(".sheet")].map((one) => [one.getAttribute("aria-label"), one.scrollLeft]));
  const before = known.size;
  byId("organization").textContent = told.organization;
  document.title = `${told.organization} – Salesforce stand-in`;
  byId("usage").textContent = `${number.format(told.used)} of ${number.format(told.max)} API calls used`;
  byId("nav").replaceChildren(...told.objects.map((o) => link(o.name, o.plural, o.total)), link("calls", "API calls", told.counted));
  byId("records").replaceChildren(...told.objects.map(objectSection), callsSection(told));
  for (const one of document.querySelectorAll(".sheet")) one.scrollLeft = scrolled.get(one.getAttribute("aria-label")) ?? 0;
  for (const key of ["record", "more"]) {
    if (focused[key]) document.querySelector(`[data-${key}="${CSS.escape(focused[key])}"]`)?.focus({ preventScroll: true });
  }
  if (!first && known.size > before) byId("news").textContent = `${known.size - before} new records`;
  first = false;
}

async function poll() {
  let wait = EVERY;
  try {
    const answer = await fetch(`/records.json?seen=${encodeURIComponent(version)}`);
    if (answer.status === 200) {
      const told = await answer.json();
      version = told.version;
      show(told);
    }
    byId("state").className = "state live";
    byId("state").textContent = "Live";
  } catch {
    byId("state").className = "state lost";
    byId("state").textContent = "Not reachable, trying again";
    wait = LATER;
  }
  setTimeout(poll, wait);
}

async function open(id) {
  const answer = await fetch(`/record.json?id=${encodeURIComponent(id)}`);
  if (!answer.ok) return;
  const record = await answer.json();
  byId("detail-kind").textContent = `${record.label} ${record.id}`;
  byId("detail-title").replaceChildren(make("bdi", { dir: "auto" }, record.title));
  byId("detail-fields").replaceChildren(...record.fields.flatMap((field) => {
    const value = make("dd", {}, make("bdi", { dir: "auto" }, text(field.type, field.shown) ?? ""));
    if (field.type === "reference") value.append(make("small", {}, field.value));
    return [make("dt", {}, field.label, make("small", {}, field.name)), value];
  }));
  byId("detail").showModal();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.record) open(button.dataset.record);
  if (button?.dataset.more) {
    expanded.add(button.dataset.more);
    version = "";
  }
});

byId("zone").textContent = `Times in ${zone}`;
poll();
