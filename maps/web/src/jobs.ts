/** Long work of the service: started, followed, stopped. */
import { askService, type Told } from "./asking.ts";

export interface Job<R> {
  id: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  stage: string | null;
  done: number;
  total: number;
  result: R | null;
  problem: { code?: string; detail?: string } | null;
}

/** What is to be done, and for which area. */
export interface JobRequest {
  kind: string;
  division_id: number;
  params: unknown;
}

/** Work that runs: what it comes to, and how it is stopped. */
export interface RunningJob<R> {
  /** The job once it is over, whether it was done or not; refused where it could not be started or followed. */
  over: Promise<Told<Job<R>>>;
  stop(): void;
}

const LOOK_EVERY_MS = 500;
/** A service that starts again is away for so long, and the work goes on. */
const MOST_AWAY_MS = 60_000;

/** Have the service do long work; `onLook` is told how far it is. */
export function runJob<R>(request: JobRequest, onLook: (job: Job<R>) => void = () => undefined): RunningJob<R> {
  let stopping = false;
  let id: string | null = null;
  const cancel = () => void (id && askService(`/api/v1/jobs/${id}/cancel`));
  const follow = async (): Promise<Told<Job<R>>> => {
    let told = await askService<Job<R>>("/api/v1/jobs", { body: request });
    if (!told.ok) return told;
    id = told.body.id;
    if (stopping) cancel();
    let seen = performance.now();
    for (;;) {
      if (told.ok) {
        seen = performance.now();
        onLook(told.body);
        if (told.body.state !== "queued" && told.body.state !== "running") return told;
      } else if (told.status !== 0 && told.status < 500) return told;
      else if (performance.now() - seen > MOST_AWAY_MS) return told;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      told = await askService<Job<R>>(`/api/v1/jobs/${id}`, { method: "GET" });
    }
  };
  return {
    over: follow(),
    stop: () => {
      stopping = true;
      cancel();
    },
  };
}
