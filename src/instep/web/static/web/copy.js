// Buttons that copy an address are shown where the browser can copy, and say so when they did.
(() => {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    const word = button.firstChild;
    const said = word.textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      word.textContent = button.dataset.copied;
      setTimeout(() => { word.textContent = said; }, 2000);
    });
  }
})();
