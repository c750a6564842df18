// Tells the server the browser's time zone, once, and again when a traveller's zone changed.
// A zone that the reader chose on the page (no "auto:" before it) is left alone.
(() => {
  const name = "instep_zone";
  const kept = document.cookie.split("; ").find((part) => part.startsWith(name + "="));
  const value = kept ? decodeURIComponent(kept.slice(name.length + 1)).replaceAll('"', "") : "";
  if (value && !value.startsWith("auto:")) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || value === "auto:" + zone) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=auto:${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  // only where it changes what is shown, and never twice: the cookie may have been refused
  const shown = document.documentElement.dataset.zone;
  if (shown !== zone && document.cookie.includes(zone) && document.querySelector("time")) location.reload();
})();
