// A deed is sent, signed, until its answer is known. No answer, or one that decides nothing, is neither red nor green:
// the same Idempotency-Key is signed anew and sent again, also after the page was loaded again. Never with a new key.
window.jifenTill = window.jifenTill ?? {};
(() => {
  const OPEN = "jifen-till-open", SOON_S = 5, SOON_TRIES = 5, LATER_S = 40, MOST_TRIES = 14;
  const LONGEST_MS = 10_000, SHOWN_AFTER_MS = 2_500;
  let wake = null;

  // What an open deed keeps: never a code, for only what has a key (accepting, giving points, undoing) is kept, and no
  // longer than its answer is open.
  const open = () => JSON.parse(localStorage.getItem(OPEN) ?? "null");
  const keep = (deed) => { if (deed.key) localStorage.setItem(OPEN, JSON.stringify(deed)); };
  const close = (deed) => { if (deed.key) localStorage.removeItem(OPEN); };
  const wait_s = (tries) => (tries <= SOON_TRIES ? SOON_S : LATER_S);

  const fetched = async (path, options) => {
    const headers = { Accept: "text/html", "Accept-Language": document.documentElement.lang, ...options.headers };
    const signal = AbortSignal.timeout(LONGEST_MS);
    const answer = await fetch(path, { ...options, headers, signal, cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { url: new URL(answer.url), status: answer.status, moved: answer.redirected, page };
  };

  const kind = (answer) => answer.page.querySelector("[data-kind]")?.dataset.kind;
  const decides = (answer) => answer.status < 500 && kind(answer) !== "still-running" && kind(answer) !== "try-again";

  const sent = async (deed) => {
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    Object.assign(headers, await jifenTill.keys.headers("POST", deed.path, deed.body));
    const answer = await fetched(deed.path, { method: "POST", body: deed.body, headers });
    if (kind(answer) !== "page-expired" || deed.renewed) return answer;
    const fields = new URLSearchParams(deed.body);
    fields.set("csrf_token", answer.page.querySelector("input[name=csrf_token]")?.value ?? "");
    Object.assign(deed, { body: fields.toString(), renewed: true });
    return sent(deed);
  };

  // What became of it, which changes nothing; null: it is not done so far.
  const outcome = async (deed) => {
    const answer = await fetched("/till/outcome", { headers: { "Idempotency-Key": deed.key } });
    return decides(answer) && !answer.page.querySelector("[data-outcome=none]") ? answer : null;
  };

  // One try. null: no answer, or none that decides.
  const tried = async (deed) => {
    deed.tries += 1;
    keep(deed);
    try {
      const answer = (deed.key && deed.tries > 1 && await outcome(deed)) || await sent(deed);
      return decides(answer) ? answer : null;
    } catch (error) {
      if (error instanceof jifenTill.keys.NotPaired) throw error;
      return null;
    }
  };

  const pause = (seconds, each) => new Promise((done) => {
    const until = Date.now() + seconds * 1000;
    const tell = () => {
      each(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
      if (Date.now() >= until) wake();
    };
    const timer = setInterval(tell, 500);
    wake = () => { clearInterval(timer); wake = null; done(); };
    tell();
  });

  const fill = (deed, left) => {
    const slots = { tries: deed.tries, most: MOST_TRIES, wait: left };
    for (const [name, value] of Object.entries(slots)) {
      document.querySelectorAll(`[data-slot=${name}]`).forEach((slot) => { slot.textContent = value; });
    }
  };

  // The answer to a deed, however long it takes; null once all tries are used up: then a person asks again.
  const asked = async (deed, put) => {
    const shown = () => put(document.getElementById("asking"));
    let late = deed.tries ? shown() : setTimeout(() => { late = null; shown(); fill(deed, 0); }, SHOWN_AFTER_MS);
    const settled = (answer) => { clearTimeout(late); return answer; };
    while (deed.tries < MOST_TRIES) {
      if (deed.tries) fill(deed, 0);
      const answer = await tried(deed);
      // A sign-in page says nothing about the deed: it is asked for again after the sign-in.
      if (answer && !(answer.moved && answer.url.pathname === "/till/sign-in") && answer.status !== 401) close(deed);
      if (answer) return settled(answer);
      if (deed.tries === 1) { settled(); shown(); }
      if (deed.tries < MOST_TRIES) await pause(wait_s(deed.tries), (left) => fill(deed, left));
    }
    put(document.getElementById("unanswered"));
    return null;
  };

  document.addEventListener("click", (event) => { if (event.target.closest("[data-ask-now]")) wake?.(); });
  window.addEventListener("online", () => wake?.());

  jifenTill.asking = { asked, open, keep, fetched, MOST_TRIES };
})();
