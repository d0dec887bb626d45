{% extends "worker.js" %}
{% block says %}Keeps the shell of the member's pages, and one page of whoever is signed in: the open vouchers, as of a moment that it says itself.
// No balance, no list and no other page is kept. Signing out wipes it, and so does any sign of another member.{% endblock %}
{% block lives %}, "jifen-member-kept"{% endblock %}
{% block ours %}
const OTHERS = /^\/(till|merchant|staff|v1|dev|docs|problems|health|static)(\/|$)/;
const ours = (path) => !OTHERS.test(path);
{% endblock %}
{% block offline %}
const KEPT = LIVE[2], COPY = "/vouchers/offline", OWNER = "/vouchers/offline/owner";
const LONGEST_MS = 7 * 24 * 3_600_000, FRESH_MS = 60_000;
let wipings = 0; // an answer that was asked for before the last one is not kept

const wiped = async () => {
  wipings += 1;
  await caches.delete(KEPT);
};

const found = async (what) => (await caches.open(KEPT)).match(what, { ignoreVary: true });

const age = (copy) => Date.now() - Date.parse(copy.headers.get("Date"));

const copied = async () => {
  const copy = await found(COPY);
  if (!copy || age(copy) < LONGEST_MS) return copy;
  await wiped();
  return undefined;
};

const keep = async (owner, changed) => {
  if (await (await found(OWNER))?.text() !== owner) await wiped();
  const before = await found(COPY);
  if (before && !changed && age(before) < FRESH_MS) return;
  const asked = wipings;
  const copy = await fetch(COPY).catch(() => null);
  if (!copy || asked !== wipings) return;
  if (!copy.ok || copy.redirected || copy.headers.get("Jifen-Kept-For") !== owner) return wiped();
  const cache = await caches.open(KEPT);
  await cache.put(OWNER, new Response(owner));
  await cache.put(COPY, copy);
  if (asked !== wipings) await wiped();
};

const signsOut = (request) => request.method === "POST" && new URL(request.url).pathname === "/sign-out";
// Before the handler that answers, for no handler after an answer is called.
self.addEventListener("fetch", (event) => { if (signsOut(event.request)) event.waitUntil(wiped()); });

const offline = async (request) => {
  const language = await told();
  if (signsOut(request)) return page(`${language} sign-out`);
  return (request.method === "GET" && await copied()) || page(language);
};
{% endblock %}
{% block more %}
self.addEventListener("message", (event) => event.waitUntil(event.data.keep ? keep(event.data.keep, event.data.changed) : wiped()));
{% endblock %}
