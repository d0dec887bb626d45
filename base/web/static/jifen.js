// Small conveniences, switched on by attributes; every page works without them. The list is at the top of macros.html.
(() => {
  const find = (selector, within = document) => [...within.querySelectorAll(selector)];
  const say = (text) => { const line = document.getElementById("jf-say"); if (line) line.textContent = text; };

  // A form is sent once. The buttons die after the browser has read them, so that the pressed one is sent along.
  const kill = (form) => setTimeout(() => find("button, input[type=submit]", form).forEach((button) => {
    if (button.disabled) return;
    button.disabled = true;
    button.dataset.died = "";
    button.setAttribute("aria-busy", "true");
  }));
  const revive = (within = document) => find("[data-died]", within).forEach((button) => {
    button.disabled = false;
    delete button.dataset.died;
    button.removeAttribute("aria-busy");
  });
  document.addEventListener("submit", (event) => { if (event.target.matches("[data-once]")) kill(event.target); });
  document.addEventListener("htmx:finally:request", () => revive());
  window.addEventListener("pageshow", (event) => { if (event.persisted) revive(); });

  const copy = async (button) => {
    const source = button.dataset.copy && document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText(button.dataset.copyText ?? (source.value || source.textContent).trim());
    const label = button.querySelector("span") ?? button;
    const before = label.textContent;
    say(label.textContent = button.dataset.copied ?? before);
    setTimeout(() => { label.textContent = before; }, 2000);
  };

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-copy], [data-copy-text], [data-print], [data-bright], [data-dialog], [data-close], [data-share]");
    if (!target) return;
    if (target.matches("[data-copy], [data-copy-text]")) copy(target);
    else if (target.matches("[data-print]")) window.print();
    else if (target.matches("[data-bright]")) bright(target);
    else if (target.matches("[data-share]")) navigator.share({ url: target.dataset.share, title: target.dataset.shareTitle }).catch(() => {});
    else if (target.matches("[data-dialog]")) {
      event.preventDefault();
      document.querySelector(target.dataset.dialog)?.showModal();
    } else target.closest("dialog")?.close();
  });

  document.addEventListener("change", (event) => {
    if (event.target.form?.matches("[data-autosubmit]") && event.target.matches("select, [type=checkbox], [type=radio]")) {
      event.target.form.requestSubmit();
    }
    show();
  });
  const show = (within = document) => find("[data-shows]", within).forEach((box) => {
    find(box.dataset.shows).forEach((shown) => { shown.hidden = !box.checked; });
  });

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.matches("[data-upper]") || event.isComposing) return;
    const at = field.selectionStart;
    field.value = field.value.toUpperCase();
    field.setSelectionRange(at, at);
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const command = event.ctrlKey || event.metaKey;
    if (event.altKey || (typing && !command)) return;
    const search = document.querySelector("[data-search]");
    const asked = command ? event.key.toLowerCase() === "k" : event.key === "/";
    if (asked && search) { event.preventDefault(); search.focus(); search.select(); }
    if (event.key === "?" && !command) document.querySelector("[data-keys]")?.click();
  });

  // How far the server's clock is ahead of this device's (ms), where the page says its moment; 0 elsewhere.
  const moment = (within) => {
    const told = Date.parse(within.querySelector("meta[name=jf-now]")?.content ?? "");
    return Number.isNaN(told) ? 0 : told - Date.now();
  };
  let skew = moment(document);
  window.jifenSkew = () => skew;

  // m:ss until a moment; whether it is really over the server decides.
  const left = (time) => Math.ceil((Date.parse(time.dateTime) - Date.now() - skew) / 1000);
  const tell = (seconds) => {
    const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"));
    const hours = Math.floor(seconds / 3600);
    return (hours ? `${hours}:${parts[0]}` : String(Number(parts[0]))) + `:${parts[1]}`;
  };
  const tick = () => find("time[data-countdown]").forEach((time) => {
    const seconds = left(time);
    if (seconds > 24 * 3600) return;
    if (seconds > 0) { time.textContent = tell(seconds); return; }
    time.textContent = time.dataset.over || "0:00";
    time.removeAttribute("data-countdown");
    time.dispatchEvent(new CustomEvent("jifen:over", { bubbles: true }));
  });

  // Bright for a camera: the part alone on the screen, white, awake; everything else is out of reach until it is over.
  const around = (part) => part === document.body ? [] : [...[...part.parentElement.children].filter((one) => one !== part), ...around(part.parentElement)];
  let awake;
  const bright = async (button) => {
    const part = document.querySelector(button.dataset.bright), label = button.querySelector("span");
    const on = part.classList.toggle("jf-bright");
    around(part).forEach((one) => { if (one.id !== "jf-say") one.inert = on; });
    button.setAttribute("aria-pressed", String(on));
    [label.textContent, button.dataset.pressed] = [button.dataset.pressed, label.textContent];
    if (on) awake = await navigator.wakeLock?.request("screen").catch(() => undefined);
    else { awake?.release(); awake = undefined; }
  };
  document.addEventListener("keydown", (event) => {
    const button = event.key === "Escape" && document.querySelector("[data-bright][aria-pressed=true]");
    if (button) bright(button);
  });

  const focus = (within, selector) => {
    const field = within.querySelector(selector);
    if (field && !field.closest("dialog:not([open])")) field.focus({ preventScroll: field.matches("input") });
  };
  // What stands behind # in a link goes into this field and out of the address, so that no history keeps it.
  const fragment = () => find("[data-fragment]").forEach((field) => {
    if (location.hash.length < 2) return;
    field.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname + location.search);
  });
  // Buttons that only a script can serve are there where it can.
  const offer = () => {
    find("[data-share][hidden]").forEach((button) => { button.hidden = !navigator.share; });
    find("[data-copying][hidden]").forEach((button) => { button.hidden = !navigator.clipboard; });
  };
  const begin = (within) => { offer(); show(); tick(); focus(within, "[data-focus]"); };

  // A write sent by htmx outside a form still carries the page's CSRF token.
  document.addEventListener("htmx:config:request", (event) => {
    const request = event.detail.ctx?.request;
    const token = document.querySelector("input[name=csrf_token]")?.value;
    if (request && token && !/^(get|head)$/i.test(request.method)) request.headers["X-CSRFToken"] = token;
  });
  document.addEventListener("jifen:put", () => { skew = moment(document); begin(document); });
  document.addEventListener("htmx:after:swap", () => { show(); tick(); focus(document, "[data-focus=keep]"); });

  // What came about while the page was open is told to those who hear it, once the page that says it has settled.
  const announce = () => setTimeout(() => find("[data-say]").forEach((part) => say(part.textContent.trim().replace(/\s+/g, " "))), 500);

  const start = () => {
    fragment();
    begin(document);
    find("[data-scripted]:not(.jf-till-foot)").forEach((part) => { part.hidden = false; });
    announce();
    setInterval(tick, 1000);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
