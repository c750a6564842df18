// Signing in at a CRM in a window of its own. Everything works without this script, in one window.
(() => {
  const channel = new BroadcastChannel("instep-connecting");

  // the window, back from the CRM: tell the page that waits, and close
  if (document.querySelector("[data-close-window]")) {
    channel.postMessage("back");
    window.close();
    return;
  }

  const link = document.getElementById("sign-in");
  if (link) {
    link.addEventListener("click", (event) => {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const opened = window.open(link.dataset.window, "instep-connecting", "popup,width=560,height=760");
      // no window, because the browser refuses them: the link leads there in this one
      if (opened) event.preventDefault();
    });
    channel.addEventListener("message", () => location.reload());
  }

  // pages without TLS have no clipboard: the field can be copied by hand
  for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
    const field = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.addEventListener("click", async () => {
      field.select();
      await navigator.clipboard.writeText(field.value);
      const word = button.textContent;
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = word; }, 2000);
    });
  }
})();
