// Keeps an open page in step with the stand-in. The server writes all markup; this swaps the parts that changed,
// shows what is new, and turns times to the reader's zone. Without it the pages are complete, but stand still.
"use strict";

const EVERY = 1000, LATER = 4000, FLASH = 4000, TYPING = 250;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const plain = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const precise = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const flashing = new Map(); // key of a row or cell → when it was new
const byId = (id) => document.getElementById(id);
// A record may stand in several parts of a page.
const keyOf = (one) => `${one.closest("[data-live]")?.id} ${one.dataset.row ?? one.dataset.cell}`;
let seen = "", written = read(document), address = location.href, searches = 0;

// The server's own words, before times are turned: what differs in these has really changed.
function read(page) {
  const found = { parts: new Map(), rows: new Map(), cells: new Map() };
  for (const one of page.querySelectorAll("[data-live]")) found.parts.set(one.id, one.innerHTML);
  for (const one of page.querySelectorAll("[data-row]")) found.rows.set(keyOf(one), one.querySelector("th a, p > b")?.textContent ?? "");
  for (const one of page.querySelectorAll("[data-cell]")) found.cells.set(keyOf(one), one.innerHTML);
  return found;
}

function localise(root) {
  for (const one of root.querySelectorAll("time")) {
    one.textContent = (one.hasAttribute("data-precise") ? precise : plain).format(new Date(one.dateTime));
  }
}

// Scripts may set styles where markup may not: the flash goes on where it was when its part is written again.
function flash(root) {
  const now = Date.now();
  for (const one of root.querySelectorAll("[data-row], [data-cell]")) {
    const since = now - (flashing.get(keyOf(one)) ?? 0);
    if (since >= FLASH) continue;
    one.classList.add("fresh");
    one.style.animationDelay = `-${since}ms`;
    setTimeout(() => one.classList.remove("fresh"), FLASH - since);
  }
}

function noteNews(before, after) {
  const made = [...after.rows].filter(([key]) => !before.rows.has(key));
  const changed = [...after.cells].filter(([key, value]) => before.cells.has(key) && before.cells.get(key) !== value);
  for (const [key] of [...made, ...changed]) flashing.set(key, Date.now());
  // Calls and history have no name of their own: they are seen, and would drown what is worth hearing.
  const names = made.map(([, name]) => name).filter(Boolean);
  const words = [];
  if (names.length) words.push(names.length < 4 ? `New: ${names.join(", ")}` : `${names.length} new`);
  if (changed.length) words.push(`${changed.length} changed`);
  if (words.length) byId("news").textContent = words.join("; ");
}

function swap(page, after) {
  const focused = document.activeElement?.id || document.activeElement?.getAttribute("href");
  for (const [id, markup] of after.parts) {
    const old = byId(id);
    if (!old || written.parts.get(id) === markup) continue;
    const sheets = [...old.querySelectorAll(".sheet")].map((sheet) => sheet.scrollLeft);
    const open = [...old.querySelectorAll("details")].map((details) => details.open);
    old.className = page.getElementById(id).className;
    old.replaceChildren(...page.getElementById(id).childNodes);
    old.querySelectorAll(".sheet").forEach((sheet, index) => { sheet.scrollLeft = sheets[index] ?? 0; });
    old.querySelectorAll("details").forEach((details, index) => { details.open = open[index] ?? false; });
    localise(old);
    flash(old);
    if (focused && document.activeElement === document.body) {
      (byId(focused) ?? old.querySelector(`a[href="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
    }
  }
}

async function look(searching = false) {
  const headers = seen ? { "If-None-Match": seen } : {};
  const asked = address;
  const answer = await fetch(asked, { headers, cache: "no-store" });
  if (asked !== address || (!answer.ok && answer.status !== 304)) return;
  seen = answer.headers.get("ETag") ?? "";
  if (answer.status === 304) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const after = read(page);
  // What a search brings up is not new.
  if (!searching) noteNews(written, after);
  swap(page, after);
  written = after;
}

function tell(state, words) {
  const here = byId("state");
  if (here.className === state) return;
  here.className = state;
  here.textContent = words;
}

async function poll() {
  let wait = EVERY;
  try {
    if (!document.hidden) await look();
    tell("on", "Live");
  } catch {
    tell("off", "Not reachable, trying again");
    wait = LATER;
  }
  setTimeout(poll, wait);
}

// A search narrows the list while it is typed; the address says what is shown.
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-search]");
  if (!form) return;
  const mine = ++searches;
  setTimeout(() => {
    if (mine !== searches) return;
    const asked = new URLSearchParams(new FormData(form));
    history.replaceState(null, "", asked.get("q") ? `?${asked}` : location.pathname);
    address = location.href;
    seen = "";
    look(true).catch(() => {});
  }, TYPING);
});

localise(document);
byId("zone").textContent = `Times in ${zone}`;
poll();
