/** The panel beside the map: counts, tools, the chosen grid, problems, the list of grids, what was done. */
import { button, element, typed } from "../dom.ts";
import { formatCount, formatShare, t } from "../words.ts";
import { borderingGrids } from "../plan/pieces.ts";
import { CountPanel } from "./count_panel.ts";
import type { Desk, Problem, Whole } from "./desk.ts";
import type { Keeping } from "./keeper.ts";
import { GridList } from "./list.ts";
import { Past } from "./past.ts";
import type { Wanted } from "./proposal.ts";
import type { Hand, Tool } from "./tools.ts";
import { Turns } from "./turns.ts";

export interface Wishes {
  tool(tool: Tool): void;
  choose(grid: number | "new"): void;
  fly(units: readonly number[]): void;
  undo(): void;
  redo(): void;
  goTo(position: number): void;
  /** Ask the engine about the chosen grid, or about all. */
  ask(wanted: Wanted, maxMoved: number | null): void;
  retry(): void;
  reload(): void;
}

const TOOLS: readonly [Tool, string][] = [["choose", "V"], ["brush", "B"], ["split", "S"]];
/** So many are listed; the next come up as these are mended. */
const MOST_PROBLEMS = 60;
/** During a stroke the panel follows so often; the numbers on the map follow with every frame. */
const FOLLOWS_MS = 120;
const WHOLES: readonly Whole[] = ["unit", "building", "compound"];

export class Board {
  readonly root = element("aside", { class: "panel board", "aria-label": t("edit.panel") });
  private readonly head = element("div", { class: "head" });
  private readonly keeping = element("p", { class: "keeping", role: "status" });
  private readonly said = element("p", { class: "hint", role: "status" });
  private readonly tools = element("div", { class: "tools" });
  private readonly chosen = element("section", { class: "chosen" });
  /** What the engine proposes, while it is looked at. */
  readonly proposal = element("section", { class: "proposal" });
  private readonly problems = element("section", { class: "problems" });
  private readonly engine = element("section", { class: "engine" });
  private maxMoved: number | null = null;
  private readonly counts: CountPanel;
  private readonly facts = [element("dd"), element("dd"), element("dd")] as const;
  private readonly list: GridList;
  private readonly past: Past;
  private following: Set<number> | null = null;
  /** What follows an edit is shown piece by piece, so that the hand can go on. */
  private readonly turns = new Turns();
  private readonly pieces: readonly (() => void)[] = [
    () => this.renderHead(), () => this.renderTools(), () => this.renderChosen(), () => this.renderProblems(),
    () => this.counts.render(), () => this.list.render(this.hand.target), () => this.past.render(),
  ];

  constructor(
    private readonly desk: Desk,
    private readonly hand: Hand,
    private readonly wishes: Wishes,
    /** Panels of their own, below the problems. */
    panels: readonly HTMLElement[] = [],
  ) {
    this.counts = new CountPanel(desk, (count) => wishes.ask({ kind: "count", count }, null));
    this.list = new GridList(desk, (grid) => this.name(grid), (grid) => wishes.choose(grid));
    this.past = new Past(desk.history, (position) => wishes.goTo(position));
    const names = ["head.households", "head.grids", "head.in_band"];
    const facts = this.facts.map((value, i) => element("div", {}, element("dt", {}, t(names[i] as string)), value));
    this.head.append(element("dl", { class: "facts" }, ...facts), this.keeping);
    const body = element("div", { class: "body", tabindex: 0 }, this.proposal, this.chosen, this.problems, ...panels, this.engine, this.counts.root, this.list.root, this.past.root);
    this.root.append(this.head, this.tools, this.said, body);
    this.renderEngine();
    this.render();
  }

  render(): void {
    for (const render of this.pieces) render();
  }

  /** Place something of another module under the tools. */
  under(part: HTMLElement): void {
    this.said.after(part);
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

  keep(state: Keeping, detail: string): void {
    this.keeping.className = `keeping ${state}`;
    this.keeping.replaceChildren(t(`edit.keeping.${state}`, { detail }));
    if (state === "refused" || state === "away") this.keeping.append(" ", button(t("edit.keeping.retry"), () => this.wishes.retry()));
    if (state === "refused" || state === "changed") this.keeping.append(" ", button(t("edit.keeping.reload"), () => this.wishes.reload()));
  }

  private renderHead(): void {
    const { desk } = this;
    const grids = desk.grids();
    const banded = grids.filter((grid) => desk.statusOf(grid) !== "exempt");
    const ok = banded.filter((grid) => desk.statusOf(grid) === "ok").length;
    const { households } = desk.counts;
    const values = [formatCount(households), formatCount(grids.length), banded.length ? formatShare(ok / banded.length) : "–"];
    values.forEach((value, i) => say(this.facts[i] as HTMLElement, value));
  }

  private renderTools(): void {
    const { hand, wishes, desk } = this;
    const tools = TOOLS.map(([tool, key]) =>
      button(t(`edit.tool.${tool}`), () => wishes.tool(tool), { "aria-pressed": String(hand.tool === tool), title: `${t(`edit.tool.${tool}`)} (${key})` }),
    );
    const undo = button(t("edit.undo"), () => wishes.undo(), { title: "Ctrl+Z", disabled: desk.history.position === 0 });
    const redo = button(t("edit.redo"), () => wishes.redo(), { title: "Ctrl+Y", disabled: desk.history.position === desk.history.edits.length });
    const rows: HTMLElement[] = [element("div", { class: "row", role: "toolbar", "aria-label": t("edit.tools") }, ...tools, element("span", { class: "gap" }), undo, redo)];
    if (hand.tool === "brush") {
      const size = element("input", { type: "range", min: 0, max: 80, step: 4, value: hand.radius, "aria-label": t("edit.size") });
      size.addEventListener("input", () => (hand.radius = Number(size.value)));
      const whole = element("select", { "aria-label": t("edit.whole") });
      for (const each of WHOLES) whole.append(element("option", { value: each, selected: hand.whole === each }, t(`edit.whole_of.${each}`)));
      whole.addEventListener("change", () => (hand.whole = whole.value as Whole));
      const one = element("input", { type: "checkbox" });
      one.checked = hand.isFromOne;
      one.addEventListener("change", () => (hand.isFromOne = one.checked));
      rows.push(
        element("div", { class: "row" }, element("label", { class: "size" }, t("edit.size"), size), whole),
        element("label", { class: "row check" }, one, t("edit.from_one")),
        element("p", { class: "target" }, t("edit.into"), " ", typed(this.targetName()), " ",
          button(t("edit.new_grid"), () => wishes.choose("new"), { "aria-pressed": String(hand.target === "new"), title: "N" })),
      );
    } else rows.push(element("p", { class: "target" }, t(`edit.how.${hand.tool}`)));
    this.tools.replaceChildren(...rows);
  }

  private targetName(): string {
    const { target } = this.hand;
    if (target === "new") return t("edit.new_grid");
    return target < 0 ? t("edit.none_chosen") : this.name(target);
  }

  private name(grid: number): string {
    const { code, name } = this.desk.plan.facts(grid);
    const shown = code.startsWith("+") ? t("edit.new_code", { number: code.slice(1) }) : code;
    return name ? `${shown} ${name}` : shown;
  }

  private renderChosen(): void {
    const { desk, hand, wishes } = this;
    const grid = hand.target;
    if (typeof grid !== "number" || grid < 0 || !desk.plan.units(grid)) {
      this.chosen.replaceChildren();
      return;
    }
    const { name, kind } = desk.plan.facts(grid);
    const isLocked = desk.plan.isGridLocked(grid);
    const label = element("input", { type: "text", value: name ?? "", maxlength: 60, placeholder: t("edit.name"), "aria-label": t("edit.name"), disabled: isLocked });
    label.addEventListener("change", () => desk.rename(grid, label.value));
    const box = (text: string, checked: boolean, onChange: (on: boolean) => void, disabled = false) => {
      const input = element("input", { type: "checkbox", disabled });
      input.checked = checked;
      input.addEventListener("change", () => onChange(input.checked));
      return element("label", { class: "check" }, input, text);
    };
    const neighbours = element("select", { "aria-label": t("edit.merge"), disabled: isLocked });
    neighbours.append(element("option", { value: "" }, t("edit.merge")));
    for (const { grid: other } of borderingGrids(desk.plan, grid)) {
      if (desk.plan.isGridLocked(other)) continue;
      const sum = desk.plan.households(grid) + desk.plan.households(other);
      neighbours.append(element("option", { value: other }, t("edit.merge_into", { grid: this.name(other), households: sum })));
    }
    neighbours.addEventListener("change", () => {
      const into = Number(neighbours.value);
      if (neighbours.value !== "" && desk.merge(grid, into)) wishes.choose(into);
    });
    this.chosen.replaceChildren(
      element("h2", {}, typed(this.name(grid)), " ", element("span", { class: `badge ${desk.statusOf(grid)}` }, t(`status.${desk.statusOf(grid)}`))),
      element("p", {}, t("edit.holds", { households: desk.plan.households(grid), units: desk.plan.units(grid) })),
      label,
      element(
        "div", { class: "row" },
        box(t("edit.lock"), isLocked, (on) => {
          desk.plan.lockGrid(grid, on);
          this.render();
        }),
        box(t("edit.special"), kind === "special", (on) => desk.setKind(grid, on ? "special" : "basic"), isLocked),
      ),
      element(
        "div", { class: "row" },
        button(t("edit.mend"), () => wishes.ask({ kind: "mend", grids: [desk.plan.facts(grid).code] }, this.maxMoved), { disabled: isLocked }),
        button(t("edit.split_in_two"), () => wishes.ask({ kind: "split", grids: [desk.plan.facts(grid).code], parts: 2 }, null), { disabled: isLocked }),
      ),
      element("div", { class: "row" }, neighbours, button(t("edit.fly"), () => wishes.fly(desk.plan.members(grid)))),
    );
  }

  private renderEngine(): void {
    const most = element("input", { type: "number", min: 0, step: 10, placeholder: t("edit.no_bound"), "aria-label": t("edit.max_moved") });
    most.addEventListener("change", () => (this.maxMoved = most.value === "" ? null : Math.max(0, Math.floor(Number(most.value)))));
    this.engine.replaceChildren(
      element("h2", {}, t("edit.engine")),
      element("label", { class: "row" }, t("edit.max_moved"), most),
      element("div", { class: "row" }, button(t("edit.balance"), () => this.wishes.ask({ kind: "balance" }, this.maxMoved), { class: "balance" })),
    );
  }

  private renderProblems(): void {
    const all = this.desk.problems();
    const found = all.slice(0, MOST_PROBLEMS);
    this.problems.replaceChildren(
      element("h2", {}, t("edit.problems"), " ", element("span", { class: "count" }, formatCount(all.length))),
      found.length
        ? element("ul", {}, ...found.map((problem) => element("li", {}, button(this.problemText(problem), () => this.show(problem), { class: `problem ${problem.kind}` }))))
        : element("p", { class: "good" }, t("edit.no_problems")),
    );
  }

  private problemText(problem: Problem): string {
    if (problem.kind === "unassigned") return t("edit.problem.unassigned", { units: problem.pocket.units.length, households: problem.pocket.households });
    if (problem.kind === "pieces") return t("edit.problem.pieces", { grid: this.name(problem.grid), pieces: problem.pieces.length });
    return t(`edit.problem.${problem.kind}`, { grid: this.name(problem.grid), households: problem.households });
  }

  private show(problem: Problem): void {
    if (problem.kind === "unassigned") {
      this.wishes.fly(problem.pocket.units);
      return;
    }
    this.wishes.choose(problem.grid);
    const apart = problem.kind === "pieces" ? problem.pieces.slice(1).flatMap(({ units }) => units) : this.desk.plan.members(problem.grid);
    this.wishes.fly(apart);
  }
}

/** Say a text where it is not said yet: what is as it was is not laid out anew. */
function say(place: HTMLElement, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}
