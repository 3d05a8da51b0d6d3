/** Reports that are not sent yet, kept in the browser (IndexedDB) until the service has them. */
import type { Sign } from "./sign.ts";

export interface Draft {
  /** Random; the service knows the report again by it. */
  id: string;
  /** being written, waiting to be sent, refused, or with the service except for what it refused of it (`unkept`) */
  state: "open" | "waiting" | "refused" | "partly";
  category: string;
  text: string;
  address: string;
  lon: number | null;
  lat: number | null;
  accuracy_m: number | null;
  /** Community that it is in, where no point can be said: along a street. */
  area: string;
  area_name: string;
  phone: string;
  channel: string;
  external_number: string;
  photos: Blob[];
  /** When it was first handed in. */
  reported_at: string | null;
  /** Once the service has the report; its photos may be on their way still. */
  number: string | null;
  /** So many photos are sent. */
  sent: number;
  refused: string;
  /** Missing in drafts of pages that were kept before. */
  unkept: Unkept[];
  /** The sign that said where it is; missing in drafts of pages that were kept before. */
  sign?: Sign | null;
}

/** A part of a report that the service refused although it has the report, and why. */
export type Unkept = { part: "phone"; phone: string; detail: string } | { part: "photo"; photo: Blob; detail: string };

const STORE = "drafts";

export function newDraft(): Draft {
  return {
    id: randomKey(), state: "open", category: "", text: "", address: "", lon: null, lat: null, accuracy_m: null, area: "", area_name: "", phone: "",
    channel: "", external_number: "", photos: [], reported_at: null, number: null, sent: 0, refused: "", unkept: [], sign: null,
  };
}

export interface Shelf {
  all(): Promise<Draft[]>;
  put(draft: Draft): Promise<void>;
  remove(id: string): Promise<void>;
}

/** The shelf of this browser; one in memory where it keeps nothing (a private window). */
export async function openShelf(): Promise<Shelf> {
  try {
    const base = await new Promise<IDBDatabase>((resolve, reject) => {
      const asked = indexedDB.open("weige-report", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error ?? new Error("no shelf"));
    });
    const run = <T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        const turn = base.transaction(STORE, mode);
        const asked = work(turn.objectStore(STORE));
        turn.oncomplete = () => resolve(asked.result);
        turn.onerror = turn.onabort = () => reject(turn.error ?? new Error("not kept"));
      });
    return {
      all: () => run("readonly", (store) => store.getAll() as IDBRequest<Draft[]>),
      put: async (draft) => void (await run("readwrite", (store) => store.put(draft))),
      remove: async (id) => void (await run("readwrite", (store) => store.delete(id))),
    };
  } catch {
    const kept = new Map<string, Draft>();
    return {
      all: async () => Array.from(kept.values()),
      put: async (draft) => void kept.set(draft.id, { ...draft }),
      remove: async (id) => void kept.delete(id),
    };
  }
}

function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
