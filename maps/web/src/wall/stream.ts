/** Live events without gap and without double: a stream that resumes after its last id, and asking in turns while it is cut. */

import { givenUpAfter } from "../asking.ts";

export interface LiveEvent {
  number: number;
  kind: string;
  at: string;
  community_id: number | null;
  body: Record<string, unknown>;
}

/** `live`: the stream is open. `polling`: it is cut, and the service answers questions. `lost`: nothing answers. */
export type Link = "live" | "polling" | "lost";

/** A beat comes every 15 s; a stream that says nothing for longer is dead, whatever the network thinks. */
const SILENT_MS = 40_000;
/** A question without an answer for so long was sent into a network that is gone: it is given up and asked anew. */
const ANSWER_MS = 10_000;
const RETRY_MS = [1000, 15_000] as const;
const POLL_MS = 5000;
const PAGE = 1000;

export interface StreamOptions {
  onEvent: (event: LiveEvent) => void;
  /** Told when the link changes, and with each sign of life. */
  onLink: (link: Link, heardAt: number) => void;
  /** Number of the last event that is known; those after it are asked for. */
  after: number;
}

/** What a piece of an event stream says, and what is left of it. */
export function readPieces(text: string): { ids: number[]; data: string[]; retry: number | null; rest: string } {
  const ids: number[] = [];
  const data: string[] = [];
  let retry: number | null = null;
  const end = text.lastIndexOf("\n\n");
  if (end < 0) return { ids, data, retry, rest: text };
  for (const line of text.slice(0, end).split("\n")) {
    if (line.startsWith("id: ")) ids.push(Number(line.slice(4)));
    else if (line.startsWith("data: ")) data.push(line.slice(6));
    else if (line.startsWith("retry: ")) retry = Number(line.slice(7));
  }
  return { ids, data, retry, rest: text.slice(end + 2) };
}

export class EventStream {
  private last: number;
  private heardAt = Date.now();
  private link: Link = "lost";
  private isStreaming = false;
  private isOver = false;
  private controller: AbortController | null = null;
  private retryMs: number = RETRY_MS[0];

  constructor(private readonly options: StreamOptions) {
    this.last = options.after;
  }

  start(): void {
    void this.stream();
    void this.poll();
    window.setInterval(() => {
      if (this.isStreaming && Date.now() - this.heardAt > SILENT_MS) this.controller?.abort();
    }, 5000);
    // A network that is back need not be waited for.
    window.addEventListener("online", () => this.controller?.abort());
  }

  /** End it; for pages that leave. */
  stop(): void {
    this.isOver = true;
    this.controller?.abort();
  }

  private async stream(): Promise<void> {
    while (!this.isOver) {
      this.controller = new AbortController();
      const unanswered = window.setTimeout(() => this.controller?.abort(), ANSWER_MS);
      try {
        const answer = await fetch(`/api/v1/events?after=${this.last}`, {
          credentials: "same-origin", signal: this.controller.signal, cache: "no-store", headers: { "Last-Event-ID": String(this.last) },
        }).finally(() => window.clearTimeout(unanswered));
        if (answer.status === 401) location.reload();
        if (answer.ok && answer.body) await this.read(answer.body.getReader());
      } catch {
        // Cut: the loop begins again.
      }
      this.isStreaming = false;
      if (this.link === "live") this.tell("lost");
      await new Promise((resolve) => setTimeout(resolve, this.retryMs * (0.5 + Math.random())));
      this.retryMs = Math.min(2 * this.retryMs, RETRY_MS[1]);
    }
  }

  private async read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.isStreaming = true;
      this.retryMs = RETRY_MS[0];
      this.heard("live");
      const said = readPieces(rest + decoder.decode(value, { stream: true }));
      rest = said.rest;
      for (const data of said.data) this.take(JSON.parse(data) as LiveEvent);
      if (said.retry !== null && this.isOver) return;
    }
  }

  private async poll(): Promise<void> {
    while (!this.isOver) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (this.isStreaming) continue;
      try {
        let more = true;
        while (more && !this.isStreaming) {
          const answer = await fetch(`/api/v1/events/since?after=${this.last}&limit=${PAGE}`, {
            credentials: "same-origin", cache: "no-store", signal: givenUpAfter(ANSWER_MS),
          });
          if (!answer.ok) throw new Error(String(answer.status));
          const said = (await answer.json()) as { events: LiveEvent[]; more: boolean };
          for (const event of said.events) this.take(event);
          more = said.more;
        }
        if (!this.isStreaming) this.heard("polling");
      } catch {
        if (!this.isStreaming) this.tell("lost");
      }
    }
  }

  /** Take an event once: what comes by both ways, or again after a cut, is known by its number. */
  private take(event: LiveEvent): void {
    if (event.number <= this.last) return;
    this.last = event.number;
    this.options.onEvent(event);
  }

  private heard(link: Link): void {
    this.heardAt = Date.now();
    this.tell(link);
  }

  private tell(link: Link): void {
    this.link = link;
    this.options.onLink(link, this.heardAt);
  }
}
