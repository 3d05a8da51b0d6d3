/** What people typed, as it is shown: without marks that turn the direction of what follows. */

// As `maps/text.py` has them, and controls; breaks and tabs stay.
const TURNING = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** A text with such marks written out (`\u202e`), so that a name is read as it is stored; most have none. */
export function plain(text: string): string {
  return text.replace(TURNING, (mark) => {
    const code = mark.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
