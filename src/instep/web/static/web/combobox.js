// Makes long drop-downs searchable: type, and only what fits stays. Without it they are ordinary drop-downs.
// A page may set `select.groupsNow` to a function that gives [[group, [[value, label, type, words], …]], …].
(() => {
  const most = 200;
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  let count = 0;

  const groupsOf = (select) => {
    if (select.groupsNow) return select.groupsNow();
    return [...select.children].map((child) => [
      child.label && child.tagName === "OPTGROUP" ? child.label : "",
      (child.tagName === "OPTGROUP" ? [...child.children] : [child]).map((option) => {
        const [label, words = ""] = option.text.split(" · ");
        return [option.value, label, "", words];
      }),
    ]);
  };

  const enhance = (select) => {
    const box = document.createElement("div");
    const input = document.createElement("input");
    const list = document.createElement("div");
    const form = select.form;
    let active = -1;
    let shown = [];
    list.id = `combo-${++count}`;
    box.className = "combo";
    list.className = "combo-list";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", select.getAttribute("aria-label"));
    for (const [name, value] of Object.entries({
      type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", dir: "auto",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
      "aria-label": select.getAttribute("aria-label"), placeholder: (form && form.dataset.search) || "",
    })) input.setAttribute(name, value);
    for (const name of ["aria-invalid", "aria-describedby"]) {
      if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
    }
    input.id = `${select.id || select.name}-search`;
    for (const label of [...select.labels]) label.htmlFor = input.id;
    select.hidden = true;
    select.after(box);
    box.append(input, list);

    const chosenText = () => {
      const option = select.selectedOptions[0];
      return option && option.value ? option.text.split(" · ")[0] : "";
    };
    const reset = () => { input.value = chosenText(); input.title = input.value; };
    const close = () => {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const mark = (at) => {
      if (!shown.length) return;
      active = (at + shown.length) % shown.length;
      shown.forEach((one, place) => one.setAttribute("aria-selected", String(place === active)));
      input.setAttribute("aria-activedescendant", shown[active].id);
      shown[active].scrollIntoView({ block: "nearest" });
    };
    const choose = (value, label) => {
      if (![...select.options].some((option) => option.value === value)) select.add(new Option(label, value));
      select.value = value;
      reset();
      close();
      select.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const open = (search) => {
      const words = plain(search).split(/\s+/).filter(Boolean);
      list.replaceChildren();
      shown = [];
      for (const [name, options] of groupsOf(select)) {
        const fitting = options.filter(([, label, , kind]) => {
          const text = plain(`${label} ${kind} ${name}`);
          return words.every((word) => text.includes(word));
        });
        if (!fitting.length || shown.length >= most) continue;
        const group = document.createElement("div");
        if (name) {
          const title = document.createElement("div");
          title.className = "combo-group";
          title.id = `${list.id}-g${list.children.length}`;
          title.textContent = name;
          group.setAttribute("role", "group");
          group.setAttribute("aria-labelledby", title.id);
          group.append(title);
        }
        for (const [value, label, , kind] of fitting) {
          const option = document.createElement("div");
          option.id = `${list.id}-${shown.length}`;
          option.setAttribute("role", "option");
          option.setAttribute("aria-selected", "false");
          option.dir = "auto";
          if (value === select.value) option.className = "now";
          option.append(label);
          if (kind) {
            const small = document.createElement("small");
            small.textContent = kind;
            option.append(" ", small);
          }
          // before the input loses the focus
          option.addEventListener("pointerdown", (event) => { event.preventDefault(); choose(value, label); });
          shown.push(option);
          option.pick = () => choose(value, label);
          group.append(option);
        }
        list.append(group);
      }
      if (!shown.length) {
        const none = document.createElement("div");
        none.className = "combo-none";
        none.setAttribute("role", "option");
        none.setAttribute("aria-disabled", "true");
        none.setAttribute("aria-selected", "false");
        none.textContent = ((form && form.dataset.nothing) || "%s").replace("%s", search);
        list.append(none);
      }
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      const at = shown.findIndex((option) => option.className === "now");
      if (words.length) mark(0);
      else if (at >= 0) mark(at);
    };
    input.addEventListener("input", () => open(input.value));
    input.addEventListener("click", () => { if (list.hidden) { input.select(); open(""); } });
    input.addEventListener("blur", () => { close(); reset(); });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) open("");
        else mark(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
      } else if (event.key === "Enter") {
        // a search must never send the form
        event.preventDefault();
        if (list.hidden) open("");
        else if (active >= 0) shown[active].pick();
      } else if (event.key === "Escape" && !list.hidden) {
        event.stopPropagation();
        close();
        reset();
      }
    });
    select.addEventListener("reset-text", reset);
    reset();
    if (select.autofocus) input.focus();
  };

  for (const select of document.querySelectorAll("select[data-search], select[data-kind]")) enhance(select);
})();
