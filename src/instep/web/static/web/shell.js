// Menus are <details> and work without this. With it, Escape closes the open one and the focus goes back to
// what opened it, and so does a click beside it.
(() => {
  const open = () => document.querySelectorAll("details.menu[open], details.confirm[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const details of open()) {
      if (!details.classList.contains("menu") && !details.contains(document.activeElement)) continue;
      const inside = details.contains(document.activeElement);
      details.open = false;
      if (inside) details.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    for (const details of open()) {
      if (details.classList.contains("menu") && !details.contains(event.target)) details.open = false;
    }
  });
})();
