// The till's key: made in this browser, which never lets it out, and a counter that only grows; both in IndexedDB.
// What is signed, and the headers: base/auth/signatures.py.
window.jifenTill = window.jifenTill ?? {};
(() => {
  const STORE = "till", ME = "me", COUNTER = "counter";
  const ED25519 = { algorithm: "ed25519", make: { name: "Ed25519" }, sign: { name: "Ed25519" } };
  const P256 = {
    algorithm: "p256", make: { name: "ECDSA", namedCurve: "P-256" }, sign: { name: "ECDSA", hash: "SHA-256" },
  };
  const bytes = (text) => new TextEncoder().encode(text);
  const base64url = (raw) => btoa(String.fromCharCode(...new Uint8Array(raw)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const hex = (raw) => [...new Uint8Array(raw)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  class NotPaired extends Error {}

  const database = () => new Promise((done, failed) => {
    const opening = indexedDB.open("jifen-till", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onsuccess = () => done(opening.result);
    opening.onerror = () => failed(opening.error);
  });

  // One transaction over both records. "strict": a counter that was used is not forgotten when the power goes.
  const changed = async (change) => {
    const open = await database();
    try {
      return await new Promise((done, failed) => {
        const work = open.transaction(STORE, "readwrite", { durability: "strict" });
        const store = work.objectStore(STORE);
        let me, result;
        store.get(ME).onsuccess = (event) => { me = event.target.result; };
        store.get(COUNTER).onsuccess = (event) => { result = change(store, me, event.target.result ?? 0); };
        work.oncomplete = () => done(result);
        work.onerror = work.onabort = () => failed(work.error);
      });
    } finally {
      open.close();
    }
  };

  // The terminal as this browser knows it, with the next counter, which nobody else gets: also not another tab.
  const next = () => changed((store, me, counter) => {
    if (me) store.put(counter + 1, COUNTER);
    return me && { ...me, counter: counter + 1 };
  });

  const me = async () => {
    const open = await database();
    try {
      return await new Promise((done, failed) => {
        const asked = open.transaction(STORE).objectStore(STORE).get(ME);
        asked.onsuccess = () => done(asked.result ?? null);
        asked.onerror = () => failed(asked.error);
      });
    } finally {
      open.close();
    }
  };

  const made = async () => {
    for (const kind of [ED25519, P256]) {
      try {
        const pair = await crypto.subtle.generateKey(kind.make, false, ["sign", "verify"]);
        const raw = await crypto.subtle.exportKey("raw", pair.publicKey);
        return { algorithm: kind.algorithm, key: pair.privateKey, public_key: base64url(raw) };
      } catch (error) {
        if (kind === P256) throw error;
      }
    }
  };

  const signature = async (algorithm, key, text) =>
    base64url(await crypto.subtle.sign((algorithm === "p256" ? P256 : ED25519).sign, key, bytes(text)));

  // A fresh key, and the body of the request that registers it.
  const prepared = async (terminal, code) => {
    const mine = await made();
    const statement = ["pair", terminal, code, mine.algorithm, mine.public_key].join("\n");
    const proof = await signature(mine.algorithm, mine.key, statement);
    return { mine, asked: { terminal, code, algorithm: mine.algorithm, public_key: mine.public_key, proof } };
  };

  // From now on this browser is that terminal. The counter begins at the clock's milliseconds: ahead of all that the
  // terminal has used before, in whichever browser.
  const keep = async (mine, terminal) => {
    await changed((store, _, counter) => {
      store.put({ terminal: terminal.id, code: terminal.code, algorithm: mine.algorithm, key: mine.key }, ME);
      store.put(Math.max(counter, Date.now()), COUNTER);
    });
    await navigator.storage?.persist?.();
  };

  // The headers that make a request this terminal's; NotPaired. Signed by the server's clock, as far as the page tells it.
  const headers = async (method, target, body) => {
    const mine = await next();
    if (!mine) throw new NotPaired();
    const digest = hex(await crypto.subtle.digest("SHA-256", bytes(body)));
    const timestamp = String(Math.floor((Date.now() + (window.jifenSkew?.() ?? 0)) / 1000));
    const nonce = `${mine.counter}.${base64url(crypto.getRandomValues(new Uint8Array(16)))}`;
    const text = [method, target, digest, timestamp, nonce, mine.terminal].join("\n");
    return {
      "Jifen-Terminal": mine.terminal,
      "Jifen-Timestamp": timestamp,
      "Jifen-Nonce": nonce,
      "Jifen-Signature": await signature(mine.algorithm, mine.key, text),
    };
  };

  jifenTill.keys = { NotPaired, me, prepared, keep, headers, possible: () => Boolean(window.crypto?.subtle && window.indexedDB) };
})();
