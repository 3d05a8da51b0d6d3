/** What others save to a draft meanwhile. */
interface Saved {
  version: string;
  revision: number;
}

const SETTLES_MS = 1500;

/** Tell of saves to a version that are later than what this page knows of; its own are known before they are told. */
export function hearOthers(version: string, known: () => number, told: () => void): void {
  const source = new EventSource("/api/v1/events");
  source.addEventListener("version_edited", (event) => {
    const { body } = JSON.parse((event as MessageEvent<string>).data) as { body: Saved };
    if (body.version !== version) return;
    // The answer to an edit of one's own may come after its event.
    setTimeout(() => {
      if (body.revision > known()) told();
    }, SETTLES_MS);
  });
  window.addEventListener("pagehide", () => source.close());
}
