// The month by arrow keys: days with free times are links and work without this. With it, arrows go to the next one
// in that direction, Home and End to the first and last of the week, Page Up and Page Down to another month.
(() => {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
  document.addEventListener("keydown", (event) => {
    const day = event.target.closest?.(".month a.day");
    if (!day || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const found = wanted(day, event.key);
    if (!found) return;
    event.preventDefault();
    if (found.matches(".turn")) found.click();
    found.focus();
  });

  function wanted(day, key) {
    if (key === "PageUp") return document.querySelector("a#month-before");
    if (key === "PageDown") return document.querySelector("a#month-after");
    const row = [...day.closest("tr").querySelectorAll("a.day")];
    if (key === "Home") return row[0];
    if (key === "End") return row.at(-1);
    const days = [...day.closest("table").querySelectorAll(".day")];
    const mirrored = getComputedStyle(day).direction === "rtl" && (key === "ArrowLeft" || key === "ArrowRight");
    const step = mirrored ? -steps[key] : steps[key];
    if (!step) return null;
    for (let at = days.indexOf(day) + step; at >= 0 && at < days.length; at += step) {
      if (days[at].matches("a")) return days[at];
    }
    return null;
  }
})();
