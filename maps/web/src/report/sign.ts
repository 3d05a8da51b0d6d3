/** What a sign in the street says in the address of the page: where, and maybe what. The page itself may be one kept from another sign. */
import type { Draft } from "./shelf.ts";

export interface Sign {
  lon: number;
  lat: number;
  address: string;
  category: string;
}

const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const MOST_ADDRESS = 200;

/** Return what the sign says; null where the address names none, "unread" where its place is cut or mistyped. */
export function signOf(search: string): Sign | "unread" | null {
  const said = new URLSearchParams(search);
  if (!["lon", "lat", "address", "category"].some((name) => said.get(name))) return null;
  const [lon, lat] = [degrees(said.get("lon"), 180), degrees(said.get("lat"), 90)];
  if (lon === null || lat === null) return "unread";
  return { lon, lat, address: (said.get("address") ?? "").slice(0, MOST_ADDRESS), category: said.get("category") ?? "" };
}

/** Whether a report stands where a sign does. */
export function isAt(sign: Sign, { lon, lat, accuracy_m: accuracy }: Draft): boolean {
  return lon === sign.lon && lat === sign.lat && accuracy === null;
}

/** Whether a draft holds nothing but what an earlier sign said, or nothing that says where it is. */
export function isReplaceable(draft: Draft): boolean {
  const { lon, area, photos, text, address } = draft;
  const isTyped = address.trim() !== "" && address !== (draft.sign?.address ?? "");
  if (isTyped || area) return false;
  if (lon === null) return true;
  return photos.length === 0 && text.trim() === "" && Boolean(draft.sign && isAt(draft.sign, draft));
}

/** The class of a report that now is of another sign, or of none: that of the earlier one goes with it. */
export function classFrom(sign: Sign | null, draft: Draft): string {
  return sign?.category ?? (draft.category === draft.sign?.category ? "" : draft.category);
}

function degrees(written: string | null, most: number): number | null {
  const value = written !== null && NUMBER.test(written.trim()) ? Number(Number(written).toFixed(7)) : NaN;
  return Math.abs(value) <= most ? value : null;
}
