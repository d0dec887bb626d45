{#- The part of a service worker that all faces share. Given: shell, files, pages (word -> address), version. Blocks: says (what it keeps),
    lives (names of caches that outlive a version), ours (whether a path is this face's), offline (a page for a request that got no
    answer), more (further handlers). -#}
// {% block says %}{% endblock %}

const SHELL = {{ ("jifen-" ~ shell.name ~ "-" ~ version)|tojson }}, LANGUAGE = {{ ("jifen-" ~ shell.name ~ "-language")|tojson }};
const LANGUAGE_AT = {{ (shell.scope.rstrip("/") ~ "/language")|tojson }};
const FILES = {{ files|tojson }};
const PAGES = {{ pages|tojson }};
const LIVE = [SHELL, LANGUAGE{% block lives %}{% endblock %}];

const kept = async () => {
  const cache = await caches.open(SHELL);
  await cache.addAll(FILES);
  // Without cookies: asking for a page in a language must not change the language of whoever is signed in.
  await Promise.all(Object.values(PAGES).map(async (page) => cache.put(page, await fetch(page, { credentials: "omit" }))));
  await self.skipWaiting();
};

const cleared = async () => {
  const old = (await caches.keys()).filter((name) => name.startsWith({{ ("jifen-" ~ shell.name ~ "-")|tojson }}) && !LIVE.includes(name));
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
};

const told = async () => (await (await caches.open(LANGUAGE)).match(LANGUAGE_AT))?.text();
const page = async (word) => caches.match(PAGES[word] ?? Object.values(PAGES)[0]);
const answered = async (event) => (await event.preloadResponse) ?? fetch(event.request);

{% block ours %}{% endblock %}

{% block offline %}{% endblock %}

self.addEventListener("install", (event) => event.waitUntil(kept()));
self.addEventListener("activate", (event) => event.waitUntil(cleared()));
self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "GET" && url.pathname.startsWith("/static/")) {
    event.respondWith(caches.match(request).then((file) => file ?? fetch(request)));
  } else if (request.mode === "navigate" && ours(url.pathname)) {
    event.respondWith(answered(event).catch(() => offline(request)));
  }
});
{% block more %}{% endblock %}
