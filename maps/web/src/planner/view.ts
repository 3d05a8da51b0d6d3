/** Where the reader looks at the map, kept while the page opens anew. */
import type * as L from "leaflet";

const KEY = "weige-view";

/** Keep what is in view for the page that opens next. */
export function keepView(map: L.Map): void {
  const { lat, lng } = map.getCenter();
  sessionStorage.setItem(KEY, JSON.stringify([location.pathname, lat, lng, map.getZoom()]));
}

/** Look where the page before looked; once. */
export function returnTo(map: L.Map): void {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (!kept) return;
  const [page, lat, lng, zoom] = JSON.parse(kept) as [string, number, number, number];
  if (page === location.pathname) map.setView([lat, lng], zoom, { animate: false });
}
