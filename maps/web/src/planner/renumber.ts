/** Numbering grids anew: what would change is seen before it is taken. */
import { button, element, typed } from "../dom.ts";
import type { Paths } from "../pack.ts";
import { codesInOrder, gapsIn } from "../plan/operations.ts";
import type { Middle } from "../plan/order.ts";
import type { Plan } from "../plan/plan.ts";
import type { IndexedLayer } from "../scene.ts";
import { t } from "../words.ts";
import type { Desk } from "./desk.ts";
import { shownCode } from "./names.ts";

/** The middle and the area of each standing grid, from its cells; y to the north. */
export function gridMiddles(plan: Plan, polygons: Paths): Middle[] {
  const sums = new Map<number, { x: number; y: number; area: number }>();
  const { featureStart, pathStart, x, y } = polygons;
  for (let unit = 0; unit < plan.grid.length; unit++) {
    const grid = plan.grid[unit] as number;
    const first = featureStart[unit] as number;
    if (grid < 0 || first === featureStart[unit + 1]) continue;
    const sum = sums.get(grid) ?? { x: 0, y: 0, area: 0 };
    sums.set(grid, sum);
    // From a corner of its own: coordinates of the world are large against a cell.
    const at = pathStart[first] as number;
    const [ox, oy] = [x[at] as number, y[at] as number];
    let [cx, cy, doubled] = [0, 0, 0];
    for (let path = first; path < (featureStart[unit + 1] as number); path++) {
      const end = pathStart[path + 1] as number;
      for (let i = pathStart[path] as number, j = end - 1; i < end; j = i++) {
        const [ax, ay, bx, by] = [(x[j] as number) - ox, (y[j] as number) - oy, (x[i] as number) - ox, (y[i] as number) - oy];
        const cross = ax * by - bx * ay;
        doubled += cross;
        cx += (ax + bx) * cross;
        cy += (ay + by) * cross;
      }
    }
    if (!doubled) continue;
    const area = Math.abs(doubled) / 2;
    sum.x += area * (ox + cx / (3 * doubled));
    sum.y += area * (oy + cy / (3 * doubled));
    sum.area += area;
  }
  return [...sums].filter(([, { area }]) => area > 0).map(([grid, sum]) => ({ grid, x: sum.x / sum.area, y: -sum.y / sum.area, area: sum.area }));
}

/** Show what numbering all grids anew would change, and do it where the planner takes it. */
export async function renumberGrids(desk: Desk, cells: IndexedLayer): Promise<void> {
  const { polygons } = cells.layer;
  if (!polygons) return;
  const { plan } = desk;
  const middles = gridMiddles(plan, polygons);
  const changes = [...codesInOrder(plan, middles)].map(([grid, after]) => ({ before: plan.facts(grid).code, after, name: plan.facts(grid).name }));
  changes.sort((a, b) => (a.before < b.before ? -1 : 1));
  const gaps = gapsIn(desk.grids().map((grid) => plan.facts(grid).code));
  if (await askRenumber(changes, gaps)) desk.renumber(middles);
}

/** So many numbers that are left out are named. */
const MOST_GAPS = 6;

/** Show old and new codes and ask; resolves to whether they are taken. */
function askRenumber(changes: readonly { before: string; after: string; name: string | null }[], gaps: readonly string[]): Promise<boolean> {
  const dialog = element("dialog", { class: "renumbering", "aria-labelledby": "renumber-title" });
  const rows = changes.map(({ before, after, name }) =>
    element("tr", {}, element("td", {}, typed(shownCode(before))), element("td", { "aria-hidden": "true" }, "→"), element("td", {}, typed(shownCode(after))), element("td", {}, typed(name ?? ""))));
  const heads = [t("edit.renumbering.old"), "", t("edit.renumbering.new"), t("grid.name")].map((text) => (text ? element("th", { scope: "col" }, text) : element("td")));
  dialog.append(
    element("h2", { id: "renumber-title" }, t("edit.renumber")),
    element("p", {}, changes.length ? t("edit.renumbering.text", { grids: changes.length }) : t("edit.renumbering.none")),
    gaps.length ? element("p", { class: "soft gaps" }, t("edit.renumbering.gaps", { count: gaps.length, codes: gaps.slice(0, MOST_GAPS).join(t("list.comma")) + (gaps.length > MOST_GAPS ? "…" : "") })) : "",
    ...(changes.length ? [element("div", { class: "long", tabindex: 0, role: "group", "aria-label": t("edit.renumber") }, element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows)))] : []),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "take");
    });
    dialog.append(
      element("p", { class: "ends" }, button(t("edit.close"), () => dialog.close(), { class: "quiet" }), ...(changes.length ? [button(t("edit.take"), () => dialog.close("take"), { class: "take" })] : [])),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
