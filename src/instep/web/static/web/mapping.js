// The mapping's form: each half of a row offers what fits the other, and the last column is tried as one types.
(() => {
  const form = document.getElementById("mapping");
  if (!form) return;
  const sources = JSON.parse(form.dataset.sources);
  const fields = JSON.parse(form.dataset.fields);
  const fits = JSON.parse(form.dataset.fits);
  const typeOf = new Map();
  for (const [, options] of [...sources, ...fields]) {
    for (const [value, , type] of options) typeOf.set(value, type);
  }
  const row = (element) => element.name.split("-")[0];
  const part = (name, which) => form.elements[`${name}-${which}`];
  const only = (groups, keep) =>
    groups.map(([name, options]) => [name, options.filter(keep)]).filter(([, options]) => options.length);

  for (const select of form.querySelectorAll("select[data-kind]")) {
    const name = row(select);
    if (select.dataset.kind === "source") {
      select.groupsNow = () => {
        const field = typeOf.get(part(name, "field").value);
        const none = part(name, "field").value ? form.dataset.onlyFallback : form.dataset.choose;
        const kept = field ? only(sources, ([, , type]) => (fits[type] || []).includes(field)) : sources;
        return [["", [["", none, "", ""]]], ...kept];
      };
    } else {
      select.groupsNow = () => {
        const source = typeOf.get(part(name, "source").value);
        const taken = new Set();
        for (const other of form.querySelectorAll('select[data-kind="field"]')) {
          if (other !== select && other.value) taken.add(other.value);
        }
        const kept = only(fields, ([value, , type]) =>
          !taken.has(value) && (!source || (fits[source] || []).includes(type)));
        if (source !== "text" || part(name, "source").value === "static:") return kept;
        const plain = ([, , type]) => fits.words.includes(type);
        const others = kept.flatMap(([, options]) => options.filter((option) => !plain(option)));
        return [...only(kept, plain), ...(others.length ? [[form.dataset.byChance, others]] : [])];
      };
    }
  }

  const settle = (select) => {
    const name = row(select);
    if (select.dataset.kind === "source") {
      const fixed = part(name, "static");
      fixed.hidden = select.value !== "static:";
      if (!fixed.hidden) fixed.focus();
      return;
    }
    const list = document.getElementById(`values-${select.value}`);
    for (const which of ["static", "fallback"]) {
      if (list) part(name, which).setAttribute("list", list.id);
      else part(name, which).removeAttribute("list");
    }
  };

  let waiting = 0;
  let asked = 0;
  const tryIt = async () => {
    const rows = document.getElementById("rows");
    if (!rows || !document.getElementById("booking")) return;
    const mine = ++asked;
    const body = new FormData(form);
    body.set("act", "preview");
    rows.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(location.pathname, { method: "POST", body, headers: { Accept: "text/html" } });
      if (!answer.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const fresh of page.querySelectorAll('[id^="would-"], #preview-note')) {
        const old = document.getElementById(fresh.id);
        if (old && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
      }
    } catch {
      // the preview is a help: without it everything else goes on
    } finally {
      if (mine === asked) rows.removeAttribute("aria-busy");
    }
  };
  const later = (ms) => { clearTimeout(waiting); waiting = setTimeout(tryIt, ms); };

  const saved = document.getElementById("saved");
  form.addEventListener("change", (event) => {
    if (event.target.dataset.kind) settle(event.target);
    // the boxes that lists are searched with have no name: what is typed there is no choice yet
    if (event.target.name && event.target.id !== "booking") saved.textContent = form.dataset.unsaved;
    later(300);
  });
  // another tab is another page: whoever goes there with unsaved rows is asked first, whoever sends the form is not
  let sent = false;
  form.addEventListener("submit", () => { sent = true; });
  addEventListener("pageshow", () => { sent = false; });
  addEventListener("beforeunload", (event) => {
    if (!sent && saved.textContent === form.dataset.unsaved) event.preventDefault();
  });
  later(0);
})();
