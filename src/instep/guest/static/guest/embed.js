// For other people's pages: puts a booking page into them, and hands on which record the visitor is and what brought
// them. Stands alone, uses nothing inline, reads nothing of the page but these parameters of its address.
//
//   <div data-instep-embed="https://book.example.com/b/demo"></div>      the page, in place
//   <a data-instep-link href="https://book.example.com/b/demo">Book</a>  a link, or a button of your own
(() => {
  "use strict";
  const home = new URL(document.currentScript.src).origin;
  const handed = /^(sosf(lead|contact|case)id|sosigned|soskip|utm_(source|medium|campaign|term|content))$/i;
  const least = 320, most = 6000;

  // only to where this script comes from: an address that somebody put into the page learns no ids
  const complete = (address) => {
    const url = new URL(address, home);
    if (url.origin !== home) return null;
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (value && handed.test(name)) url.searchParams.set(name, value);
    }
    return url;
  };

  const embed = (place) => {
    const url = complete(place.dataset.instepEmbed);
    if (!url || place.querySelector("iframe")) return;
    url.searchParams.set("embed", "1");
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone && !url.searchParams.has("tz")) url.searchParams.set("tz", zone);
    const frame = document.createElement("iframe");
    frame.src = url.href;
    frame.title = place.dataset.title || place.textContent.trim() || "Book a time";
    frame.referrerPolicy = "no-referrer";
    Object.assign(frame.style, { width: "100%", height: "760px", border: "0", display: "block" });
    addEventListener("message", (said) => {
      if (said.origin !== home || said.source !== frame.contentWindow || said.data?.instep !== true) return;
      const height = Number(said.data.height);
      if (height > 0) frame.style.height = `${Math.min(Math.max(height, least), most)}px`;
      if (said.data.booked === true) place.dispatchEvent(new CustomEvent("instep:booked", { bubbles: true }));
    });
    place.replaceChildren(frame);
  };

  const link = (place) => {
    const url = complete(place.href);
    if (url) place.href = url.href;
  };

  const start = () => {
    document.querySelectorAll("[data-instep-embed]").forEach(embed);
    document.querySelectorAll("a[data-instep-link]").forEach(link);
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
