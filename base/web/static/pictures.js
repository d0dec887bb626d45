// A voucher's pictures, one for each 30 seconds, as they came with the page: shown one after the other also without a network.
// The server's clock counts: the page says what it was when it was made. Afterwards it is said plainly that they have run out.
(() => {
  const STEP_MS = 30_000;
  const RETRY_MS = 5_000;
  const ahead = new WeakMap(); // of this device's clock, as of when the pictures came
  const asked = new WeakMap();

  const show = (box) => {
    if (!ahead.has(box)) ahead.set(box, Number(box.dataset.now) - Date.now());
    const now = Date.now() + ahead.get(box);
    const pictures = [...box.querySelectorAll("[data-from]")];
    const present = pictures.find((one) => now < Number(one.dataset.from) + STEP_MS);
    pictures.forEach((one) => { one.hidden = one !== present; });
    box.querySelector("[data-over]").hidden = Boolean(present);
    const next = box.querySelector("[data-next]");
    next.hidden = !present;
    if (!present) {
      if (Date.now() - (asked.get(box) ?? 0) < RETRY_MS) return;
      asked.set(box, Date.now());
      box.dispatchEvent(new CustomEvent("jifen:over", { bubbles: true }));
      return;
    }
    const left = Math.min(STEP_MS, Number(present.dataset.from) + STEP_MS - now) / 1000;
    next.querySelector("[data-left]").textContent = String(Math.ceil(left));
    next.querySelector("[data-ring]").setAttribute("stroke-dasharray", `${left.toFixed(2)} 30`);
  };

  const every = () => document.querySelectorAll("[data-pictures]").forEach(show);
  const start = () => { every(); setInterval(every, 250); };
  document.addEventListener("htmx:after:swap", every);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
