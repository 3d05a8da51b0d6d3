/** What others save to a draft meanwhile. */
import { askService } from "../asking.ts";
import { hear } from "../hearing.ts";

interface Saved {
  version: string;
  revision: number;
}

const SETTLES_MS = 1500;

/** Tell of saves to a version that are later than what this page knows of; its own are known before they are told. */
export function hearOthers(version: string, known: () => number, told: () => void): void {
  // The answer to an edit of one's own may come after its event.
  const compare = (revision: number) => setTimeout(() => {
    if (revision > known()) told();
  }, SETTLES_MS);
  const ask = async () => {
    const asked = await askService<{ revision: number }>(`/api/v1/versions/${version}`, { method: "GET" });
    if (asked.ok) compare(asked.body.revision);
  };
  hear<Saved>(["version_edited"], (saved) => {
    if (saved.version === version) compare(saved.revision);
  }, () => void ask());
}
