// The member's pages as an app: the worker keeps the open vouchers of whoever is signed in, and nothing where nobody is.
(() => {
  const KEPT = "jifen-member-kept";
  const find = (selector) => document.querySelector(selector);
  const owner = find("meta[name=jf-member]")?.content;
  const changed = /^\/(vouchers|redemptions)/.test(location.pathname);
  const isOffline = Boolean(find("[data-offline]"));

  const tell = async () => {
    if (!owner) await window.caches?.delete(KEPT);
    const language = await window.caches?.open("jifen-member-language");
    await language?.put("/language", new Response(document.documentElement.lang));
    if (!navigator.serviceWorker) return;
    await navigator.serviceWorker.register("/worker.js");
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage(owner ? { keep: owner, changed } : { wipe: true });
  };

  if (isOffline) window.addEventListener("online", () => location.reload());
  else window.addEventListener("load", () => { tell().catch(() => { /* a private window keeps nothing, and need not */ }); });
})();
