// The service worker: keeps the files of this version of the site, all of one version together.

// One host may have several sites, so a cache is named by the place of its own.
const MINE = `ganwerk ${self.registration.scope} `;
const VERSION = `${MINE}{{version}}`;
const FILES = {{files}};

// Asks whether what the browser has kept is still what the host has.
const fresh = () => FILES.map((file) => new Request(file, { cache: "no-cache" }));

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(fresh())).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith(MINE) && name !== VERSION);
    await Promise.all(names.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(old());
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  const kept = caches.match(event.request, { ignoreSearch: true, cacheName: VERSION });
  event.respondWith(kept.then((answer) => answer ?? fetch(event.request)));
});
