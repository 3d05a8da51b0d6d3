/* Keeps the page of reports and what it is made of, so that it opens where there is no network. */
const SHELF = "weige-report-1";
const KEPT = ["/report", "/bundle/cases.js", "/bundle/cases.css", "/assets/page.css", "/assets/desk.css", "/assets/icon.svg"];

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin || !KEPT.includes(pathname)) return;
  event.respondWith(answer(event.request, pathname));
});

/* What the service says now; where it is not reached, what it said last. */
async function answer(request, pathname) {
  const shelf = await caches.open(SHELF);
  try {
    const told = await fetch(request);
    if (told.ok && !told.redirected) await shelf.put(pathname, told.clone());
    return told;
  } catch (error) {
    const kept = await shelf.match(pathname);
    if (kept) return kept;
    throw error;
  }
}
