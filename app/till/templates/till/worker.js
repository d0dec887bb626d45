// Keeps the till's shell: files that never change under their address, and the page for a time without a network. What the
// server says about a voucher, a day or a shift is never kept, so that nothing old can look fresh.
const SHELL = {{ ("jifen-till-" ~ version)|tojson }}, LANGUAGE = "jifen-till-language";
const FILES = {{ files|tojson }};
const PAGES = {{ pages|tojson }};

const kept = async () => {
  const cache = await caches.open(SHELL);
  await cache.addAll(FILES);
  // Without cookies: asking for a page in a language must not change the language of whoever is signed in.
  await Promise.all(Object.values(PAGES).map(async (page) => cache.put(page, await fetch(page, { credentials: "omit" }))));
  await self.skipWaiting();
};

const cleared = async () => {
  const old = (await caches.keys()).filter((name) => name.startsWith("jifen-till-") && ![SHELL, LANGUAGE].includes(name));
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
};

const offline = async () => {
  const told = await (await caches.open(LANGUAGE)).match("/till/language");
  return caches.match(PAGES[told && await told.text()] ?? Object.values(PAGES)[0]);
};

self.addEventListener("install", (event) => event.waitUntil(kept()));
self.addEventListener("activate", (event) => event.waitUntil(cleared()));
self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/static/")) {
    event.respondWith(caches.match(request).then((file) => file ?? fetch(request)));
  } else if (request.mode === "navigate" && url.pathname.startsWith("/till")) {
    event.respondWith(fetch(request).catch(offline));
  }
});
