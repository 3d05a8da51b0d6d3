/** The tower that was divided by floors right before this page opened with its bands: that can be undone. */

const KEY = "weige-divided";

/** Keep it for the page that opens next. */
export function keepDivided(draft: string, tower: string): void {
  sessionStorage.setItem(KEY, JSON.stringify([draft, tower]));
}

/** The tower that the page before divided in a draft; once, since what is done next is undone first. */
export function takeDivided(draft: string): string | null {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  if (!kept) return null;
  const [of, tower] = JSON.parse(kept) as [string, string];
  return of === draft ? tower : null;
}
