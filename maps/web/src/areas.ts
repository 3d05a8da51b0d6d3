/** Names of areas, as a page is told them. */

/** What calls an area by its code: its name, and its code where the page was not told of it. */
export function namesOf(areas: readonly { code: string; name: string }[]): (code: string) => string {
  const names = new Map(areas.map(({ code, name }) => [code, name]));
  return (code) => names.get(code) ?? code;
}
