/** Pages that are read anew after each thing that is done on them: what was done is said on the page that comes. */
import type { Told } from "./asking.ts";

const SAID = "weige-said";

/** Say what was done on the page before this one. */
export function sayWhatWasDone(): void {
  const said = sessionStorage.getItem(SAID);
  if (said === null) return;
  sessionStorage.removeItem(SAID);
  put("said", said);
}

/** Read the page anew and say there what was done, or say here why it was not. */
export function settle(answer: Told<unknown>, done: string, notDone: (detail: string) => string): void {
  if (!answer.ok) {
    put("said", "");
    put("fault", notDone(answer.detail));
    return;
  }
  readAnew(done);
}

/** Read the page anew; what is said stays said. */
export function readAnew(said: string): void {
  if (said) sessionStorage.setItem(SAID, said);
  location.reload();
}

function put(id: string, text: string): void {
  const place = document.getElementById(id);
  if (place) place.textContent = text;
}
