/** The panel beside the map: counts, tools, the chosen grid, problems, the list of grids, what was done. */
import { button, element } from "../dom.ts";
import { formatCount, formatShare, t } from "../words.ts";
import { CountPanel } from "./count_panel.ts";
import type { Desk } from "./desk.ts";
import { EnginePanel } from "./engine_panel.ts";
import { GridPanel } from "./grid_panel.ts";
import type { Hand } from "./hand.ts";
import type { Keeping } from "./keeper.ts";
import { GridList } from "./list.ts";
import { gridName } from "./names.ts";
import { Past } from "./past.ts";
import { ProblemList } from "./problem_list.ts";
import { SelectionPanel, type Selection } from "./selection.ts";
import { ToolPanel } from "./tool_panel.ts";
import { Turns } from "./turns.ts";
import type { SelectionWishes, Wishes } from "./wishes.ts";

/** During a stroke the panel follows so often; the numbers on the map follow with every frame. */
const FOLLOWS_MS = 120;

const SIGNED_OUT = 401;
const GONE = 404;

export class Board {
  readonly root = element("aside", { class: "panel board", "aria-label": t("edit.panel") });
  private readonly head = element("div", { class: "head" });
  private readonly keeping = element("p", { class: "keeping", role: "status" });
  private readonly others = element("p", { class: "others", role: "status", hidden: true });
  private readonly said = element("p", { class: "hint", role: "status" });
  private readonly tools: ToolPanel;
  private readonly chosen: GridPanel;
  private readonly selected: SelectionPanel;
  /** How far long work of the engine is, whatever else is asked and looked at meanwhile. */
  readonly running = element("section", { class: "running" });
  /** What the engine proposes, while it is looked at. */
  readonly proposal = element("section", { class: "proposal" });
  readonly problems: ProblemList;
  readonly engine: EnginePanel;
  private readonly counts: CountPanel;
  private readonly facts = [element("dd"), element("dd"), element("dd")] as const;
  private readonly list: GridList;
  private readonly past: Past;
  private following: Set<number> | null = null;
  /** What follows an edit is shown piece by piece, so that the hand can go on. */
  private readonly turns = new Turns();
  private readonly pieces: readonly (() => void)[] = [
    () => this.renderHead(), () => this.renderHand(), () => this.chosen.render(), () => this.problems.render(),
    () => this.counts.render(), () => this.list.render(this.hand.target), () => this.past.render(),
  ];

  constructor(
    private readonly desk: Desk,
    private readonly hand: Hand,
    private readonly wishes: Wishes & SelectionWishes,
    selection: Selection,
    /** Panels of their own, below the problems. */
    panels: readonly HTMLElement[] = [],
  ) {
    this.tools = new ToolPanel(desk, hand, wishes);
    this.chosen = new GridPanel(desk, hand, wishes);
    this.selected = new SelectionPanel(desk, hand, selection, wishes);
    this.problems = new ProblemList(desk, wishes);
    this.engine = new EnginePanel(desk, wishes);
    this.counts = new CountPanel(desk, (count) => wishes.ask({ kind: "count", count }));
    this.list = new GridList(desk, (grid) => gridName(desk.plan, grid), (grid) => wishes.choose(grid));
    this.past = new Past(desk, (position) => wishes.goTo(position), () => wishes.undoOutset());
    const names = ["head.households", "head.grids", "head.in_band"];
    const facts = this.facts.map((value, i) => element("div", {}, element("dt", {}, t(names[i] as string)), value));
    this.head.append(element("dl", { class: "facts" }, ...facts), this.keeping, this.others);
    const body = element("div", { class: "body", tabindex: 0 }, this.running, this.proposal, this.selected.root, this.chosen.root, this.problems.root, this.list.root, ...panels, this.engine.root, this.counts.root, this.past.root);
    this.root.append(this.head, this.tools.root, this.said, body);
    this.render();
  }

  render(): void {
    for (const render of this.pieces) render();
  }

  /** Say that somebody else saved to the draft, and offer to show it. */
  sayOthers(show: () => void): void {
    this.others.hidden = false;
    this.others.replaceChildren(t("edit.others.saved"), " ", button(t("edit.others.show"), show));
  }

  /** Place something of another module under the tools. */
  under(part: HTMLElement): void {
    this.said.after(part);
  }

  /** Show the tool in hand and what is selected. */
  renderHand(): void {
    this.tools.render();
    this.selected.render();
  }

  /** Show everything with the next frames, a piece with each, and then do what is asked besides. */
  renderSoon(...besides: (() => void)[]): void {
    this.turns.ask(...this.pieces, ...besides);
  }

  /** Resolves when everything is shown as it is. */
  rested(): Promise<void> {
    return this.turns.rested();
  }

  /** Let the numbers of some grids follow the hand. */
  follow(grids: Iterable<number>): void {
    if (!this.following) {
      const following = (this.following = new Set<number>());
      setTimeout(() => {
        this.following = null;
        this.renderHead();
        this.list.follow(following, this.hand.target);
      }, FOLLOWS_MS);
    }
    for (const grid of grids) this.following.add(grid);
  }

  say(text: string): void {
    this.said.textContent = text;
  }

  keep(state: Keeping, { detail, status, isShelved }: { detail: string; status: number; isShelved: boolean }): void {
    const { wishes } = this;
    this.keeping.className = `keeping ${state}`;
    const said = state === "away" && !isShelved ? "edit.keeping.away_unshelved" : `edit.keeping.${state}`;
    this.keeping.replaceChildren(t(said, { detail }));
    const offer = (key: string, ask: () => void) => this.keeping.append(" ", button(t(key), ask));
    const isRefused = state === "refused";
    if (isRefused && status === SIGNED_OUT) this.keeping.append(" ", element("a", { href: `/login?next=${encodeURIComponent(location.pathname + location.search)}` }, t("edit.keeping.sign_in")));
    if (isRefused || state === "away") offer("edit.keeping.retry", () => wishes.retry());
    // Of a draft that is gone nothing can be loaded: the page of the community offers another.
    if (isRefused && status === GONE) offer("edit.keeping.rescue", () => wishes.rescue());
    else if ((isRefused && status !== SIGNED_OUT) || state === "changed") offer("edit.keeping.reload", () => wishes.reload());
  }

  private renderHead(): void {
    const { desk } = this;
    const grids = desk.grids();
    const banded = grids.map((grid) => desk.fitOf(grid)).filter((fit) => fit !== "exempt");
    const ok = banded.filter((fit) => fit === "ok").length;
    const { households } = desk.counts;
    const values = [formatCount(households), formatCount(grids.length), banded.length ? formatShare(ok / banded.length) : "–"];
    values.forEach((value, i) => say(this.facts[i] as HTMLElement, value));
  }
}

/** Say a text where it is not said yet: what is as it was is not laid out anew. */
function say(place: HTMLElement, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}
