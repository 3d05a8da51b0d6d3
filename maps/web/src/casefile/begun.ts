/** A step that was filled in and not taken; where the session had ended, this tab keeps it until its case is opened again after signing in. */

export interface Begun {
  step: string;
  /** What stands in the fields of its form, by their names. */
  written: Record<string, string>;
}

export function keepBegun(number: string, begun: Begun): void {
  try {
    sessionStorage.setItem(placeOf(number), JSON.stringify(begun));
  } catch {
    // A browser that keeps nothing: it is typed again.
  }
}

/** What was kept of a case, which is not kept any longer. */
export function takeBegun(number: string): Begun | null {
  try {
    const kept = sessionStorage.getItem(placeOf(number));
    sessionStorage.removeItem(placeOf(number));
    return kept ? (JSON.parse(kept) as Begun) : null;
  } catch {
    return null;
  }
}

function placeOf(number: string): string {
  return `weige-step-${number}`;
}
