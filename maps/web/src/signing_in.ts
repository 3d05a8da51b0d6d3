/** The way to the login and back to this page, for those whose session has ended on it. */
import { element } from "./dom.ts";
import { t } from "./words.ts";

/** What the service answers whoever is not signed in. */
export const SIGNED_OUT = 401;

export function signInLink(): HTMLAnchorElement {
  return element("a", { href: `/login?next=${encodeURIComponent(location.pathname + location.search)}` }, t("asking.sign_in"));
}

/** What to say of a refusal; where the session has ended, with the way to the login. */
export function refusalOf({ status, detail }: { status: number; detail: string }): (Node | string)[] {
  return status === SIGNED_OUT ? [t("asking.signed_out"), " ", signInLink()] : [detail];
}
