// The till: each form is signed and sent, its answer put in place; the pages of the server have all the words.
(() => {
  const { keys, codes, signals, asking, camera } = window.jifenTill;
  const FAST_MS = 200, WARNED_MS = 120_000;
  const find = (selector) => document.querySelector(selector);
  const go = (address) => location.replace(address);
  let busy = false, lastCode = "";

  // A page that came by fetch keeps the rules under which this document was loaded; the camera needs those of its own page.
  const fits = (page) => !page.querySelector("[data-camera]") || document.body.classList.contains("jf-may-scan");

  const replaced = (page) => {
    for (const part of [".jf-header", "#main", ".jf-footer"]) find(part).replaceWith(document.importNode(page.querySelector(part), true));
    document.title = page.title;
    document.documentElement.lang = page.documentElement.lang;
    find("meta[name=jf-now]").content = page.querySelector("meta[name=jf-now]").content;
  };

  const shown = async () => {
    signals.show();
    find("input[data-last-code]")?.setAttribute("value", lastCode);
    const mine = keys.possible() ? await keys.me() : null;
    document.querySelectorAll("[data-terminal]").forEach((place) => { place.textContent = mine?.code ?? place.dataset.terminal; });
    document.querySelectorAll("[data-scripted]").forEach((part) => { part.hidden = false; });
    find("[data-skew]").hidden = Math.abs(window.jifenSkew()) < WARNED_MS;
    quiet(find(":focus"));
    camera.show(scanned);
  };

  const put = async ({ page, url, moved }) => {
    if (!page.querySelector("#main") || !fits(page)) { location.assign(moved ? url : "/till"); return; }
    replaced(page);
    if (moved) history.replaceState(null, "", url.pathname + url.search);
    document.dispatchEvent(new CustomEvent("jifen:put"));
    await shown();
    const verdict = find("#verdict");
    if (verdict?.dataset.signal) signals.signal(verdict.dataset.signal);
    else window.scrollTo(0, 0);
    performance.mark("jifen:put");
  };

  const putState = (template) => {
    find("#main").replaceChildren(template.content.cloneNode(true));
    camera.show(scanned);
    signals.signal("wait");
    find("#main [data-focus]")?.focus();
  };

  // On a phone the field is ready for a scanner without the keyboard of the screen over half the page; a tap brings it.
  const quiet = (field) => {
    if (field?.id === "code" && matchMedia("(pointer: coarse)").matches) field.inputMode = "none";
  };
  document.addEventListener("pointerdown", (event) => { if (event.target.id === "code") event.target.inputMode = "text"; });

  const perform = async (deed) => {
    if (busy) return;
    busy = true;
    try {
      const answer = await asking.asked(deed, putState);
      if (answer) await put(answer);
    } catch (error) {
      if (!(error instanceof keys.NotPaired)) throw error;
      go("/till/pair");
    } finally {
      busy = false;
    }
    if (deed.key !== asking.open()?.key) resume();
  };

  // What is still open is asked for before anything else is done.
  const resume = () => {
    const deed = asking.open();
    if (!deed || ["/till/sign-in", "/till/pair"].includes(location.pathname)) return false;
    perform({ ...deed, tries: Math.min(deed.tries, asking.MOST_TRIES - 1) });
    return true;
  };

  const swapped = async (address) => {
    try {
      await put({ ...(await asking.fetched(address, {})), moved: true });
    } catch {
      location.assign(address);
    }
  };

  const pair = async (form) => {
    const fields = new FormData(form);
    const { mine, asked } = await keys.prepared(fields.get("terminal").trim(), fields.get("code").replace(/\s/g, ""));
    const headers = { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang };
    let answer, told = {};
    try {
      answer = await fetch("/v1/terminals/pairings", { method: "POST", body: JSON.stringify(asked), headers });
      told = await answer.json();
    } catch { /* no answer, or none of ours: said below */ }
    if (answer?.ok) {
      await keys.keep(mine, told);
      location.assign("/till/sign-in");
      return;
    }
    const part = find(told.title ? "#pair-refused" : "#pair-unanswered").content.cloneNode(true);
    part.querySelectorAll("[data-slot]").forEach((slot) => { slot.textContent = told[slot.dataset.slot] ?? ""; });
    find("#pair-answer").replaceChildren(part);
    form.querySelectorAll("[data-died]").forEach((button) => { button.disabled = false; button.removeAttribute("aria-busy"); });
    signals.signal("bad");
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    event.preventDefault();
    const path = new URL(form.action).pathname;
    if (path === "/till/pair") { pair(form); return; }
    const fields = new FormData(form, event.submitter);
    if (path === "/till/check") lastCode = fields.get("code");
    perform({ path, body: new URLSearchParams(fields).toString(), key: fields.get("key"), tries: 0 });
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (link && document.body.classList.contains("jf-may-scan") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      swapped(link.href);
    }
    if (event.target.closest("[data-ask-again]")) {
      const deed = asking.open();
      if (deed) perform({ ...deed, tries: 0 }); else location.assign("/till");
    }
  });

  const check = (code) => {
    const field = find("#code");
    if (!field) return;
    field.value = code;
    field.form.requestSubmit();
  };
  const scanned = (code) => {
    performance.mark("jifen:scanned");
    check(code);
  };

  // A scanner types a code within a blink, wherever the focus is. Slow keys go into the code field when no other has the focus.
  let burst = { text: "", at: -FAST_MS };
  const writable = (element) => element?.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  document.addEventListener("keydown", (event) => {
    const field = find("#code"), focused = document.activeElement;
    if (!field || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const fast = event.timeStamp - burst.at < FAST_MS;
    if (event.key === "Enter") {
      const { text, field: left, before } = burst;
      burst = { text: "", at: -FAST_MS };  // the next Enter, however soon, is a person's
      if (!fast || !codes.reads(text)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (left && left !== field) left.value = before;
      check(text);
    }
    if (event.key.length > 1) return;
    if (!fast) burst = { text: "", field: writable(focused) ? focused : null, before: focused?.value };
    burst.text += event.key;
    burst.at = event.timeStamp;
    if (event.key !== " " && !writable(focused)) field.focus();
  }, true);

  document.addEventListener("visibilitychange", () => camera.again(scanned));
  document.addEventListener("jifen:setting", (event) => { if (event.detail === "camera") camera.show(scanned); });
  window.addEventListener("popstate", () => location.reload());

  // Without a network the worker answers with a page that waits for it.
  const wait = () => setInterval(async () => {
    const there = await fetch("/health/live", { cache: "no-store" }).then((answer) => answer.ok, () => false);
    if (there) { if (location.pathname === "/till/offline") go("/till"); else location.reload(); }
  }, 5_000);

  const keepShell = async () => {
    await navigator.serviceWorker?.register("/till/worker.js", { scope: "/till" });
    const kept = await window.caches?.open("jifen-till-language");
    await kept?.put("/till/language", new Response(document.documentElement.lang));
  };

  const start = async () => {
    const here = location.pathname, offline = Boolean(find("[data-offline]"));
    if (!keys.possible()) { putState(find("#insecure")); return; }
    if (!offline && here !== "/till/pair" && !(await keys.me())) { go("/till/pair"); return; }
    await shown();
    if (!resume() && offline) wait();
    keepShell().catch(() => {});
  };
  start();
})();
