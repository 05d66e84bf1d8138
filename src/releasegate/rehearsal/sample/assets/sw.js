// Pages and lists come from the network, so that a new release is seen at once; where there is none, as they were last.

const CACHE = "rope-and-torch";
const KEPT = [
  "/", "/staff", "/admin", "/api/work", "/manifest.webmanifest", "/assets/style.css", "/assets/icon.svg",
  "/assets/install.js", "/assets/page.js", "/assets/staff.js", "/assets/admin.js", "/assets/queue.js",
];

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && KEPT.includes(new URL(url).pathname)) event.respondWith(newest(event.request));
});

const keep = async () => {
  const cache = await caches.open(CACHE);
  await cache.addAll(KEPT);
  await self.skipWaiting();
};

const newest = async (request) => {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch {
    return (await cache.match(request)) ?? Response.error();
  }
};
