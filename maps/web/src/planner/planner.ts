/** The page on which a draft is redrawn: the map, the hand on it, the board beside it, and what keeps each edit. */
import * as L from "leaflet";
import { homeControl, northArrow } from "../controls.ts";
import { element } from "../dom.ts";
import { Incidents } from "../incidents.ts";
import { Overlay } from "../overlay.ts";
import type { Layer } from "../pack.ts";
import { Painter, type Shown } from "../paint.ts";
import { Borders } from "../plan/borders.ts";
import type { Ground } from "../plan/ground.ts";
import { Plan, type GridFacts } from "../plan/plan.ts";
import { UnitPoints } from "../plan/points.ts";
import { SaveQueue } from "../plan/queue.ts";
import type { Remedy } from "../plan/remedies.ts";
import type { SnapLines } from "../plan/snapping.ts";
import { boundsOf, place } from "../places.ts";
import { IndexedLayer, Scene, union } from "../scene.ts";
import type { Settings } from "../schema.ts";
import { PlanTiles } from "../tiles.ts";
import { TowerBadges } from "../towers.ts";
import { htmlLanguage, t } from "../words.ts";
import { Board } from "./board.ts";
import { REACH } from "./border_grip.ts";
import { Desk } from "./desk.ts";
import { Keeper, type Server } from "./keeper.ts";
import { keepDivided, takeDivided } from "./divided.ts";
import { Dots } from "./dots.ts";
import { HAND_PANE, type Hand, type Tool } from "./hand.ts";
import { actionOf, keysDialog, TOOL_KEYS, type KeyAction } from "./keys.ts";
import { arcsOf, compoundNames, middlesOf, need, snapLines } from "./layers.ts";
import { keepLocks, restoreLocks } from "./locks.ts";
import { Marks } from "./marks.ts";
import { lockedText } from "./names.ts";
import type { OpenProblem } from "./open_problems.ts";
import type { Opened } from "./opening.ts";
import { Picture, type DrawnNumber, type Look } from "./picture.ts";
import type { AskEngine, Wanted } from "./proposal.ts";
import { propose } from "./proposing.ts";
import { renumberGrids } from "./renumber.ts";
import { Seeing } from "./seeing.ts";
import { Selection } from "./selection.ts";
import { localShelf as shelf, locksKeyOf } from "./shelf.ts";
import { TomorrowPanel, type Oracle } from "./tomorrow.ts";
import { groundOn } from "./tomorrow_ground.ts";
import { Tools } from "./tools.ts";
import { TowersPanel, type DivisionBody } from "./towers_panel.ts";
import { UnitTable } from "./unit_table.ts";
import { keepView, returnTo } from "./view.ts";
import { Why } from "./why.ts";

const MAX_ZOOM = 21;
const PLACE_ZOOM = 18.5;
/** Layers of the pack that the picture draws itself, or that speak of the plan before it was redrawn. */
const REDRAWN: ReadonlySet<string> = new Set(["grids", "grids_labels", "grids_pieces", "communities_labels", "cells", "findings", "faults", "changes", "grids_before"]);

/** What tests may ask. */
export interface PlannerView {
  totals(): Record<string, number>;
  /** Whether the totals kept equal a recount. */
  isCounted(): boolean;
  gridOf(unitId: string): string | null;
  /** What is edited. */
  state(): { grid: number[]; facts: readonly GridFacts[] };
  /** How many edits are done. */
  position(): number;
  numbers(): readonly DrawnNumber[];
  keeping(): string;
  /** Colour of each grid where each has its own, by code. */
  colours(): Record<string, number>;
  screenOf(unitId: string): [x: number, y: number] | null;
  /** Resolves when the panel shows what was done. */
  rested(): Promise<void>;
}

export class Planner implements PlannerView {
  private readonly ground: Ground;
  private readonly plan: Plan;
  private readonly desk: Desk;
  private readonly hand: Hand = { tool: "choose", whole: "unit", radius: 0, reach: 96, target: -1, isFromOne: false };
  private readonly look: Look & { active: number; marked: ReadonlySet<number> };
  private readonly seeing: Seeing;
  private readonly picture: Picture;
  private readonly board: Board;
  private readonly tools: Tools;
  private readonly keeper: Keeper;
  private readonly selection = new Selection(() => {
    this.board.renderHand();
    this.marks.ask();
    this.table.renderSelection();
  });
  private readonly marks: Marks;
  private readonly cells: IndexedLayer;
  private readonly overlay: Overlay;
  private readonly tomorrow: TomorrowPanel;
  private readonly table: UnitTable;
  private readonly towers: TowersPanel;
  private covered = "";
  private readonly makesRoom = () => this.makeRoom();

  constructor(
    private readonly map: L.Map,
    layers: ReadonlyMap<string, Layer>,
    settings: Settings,
    server: Server,
    /** The draft as the service holds it, and edits on it that an earlier page left unsaved. */
    { ground, saved, left }: Opened,
    private readonly shelfKey: string,
    private readonly ask: AskEngine,
    /** Note why the edit saved last was made; whether that was done. */
    note: (text: string) => Promise<boolean>,
    /** Somebody else saved meanwhile. */
    onChanged: (queue: SaveQueue) => void,
    /** Ask the service to divide a tower; what it refused. */
    private readonly sendDivision: (body: DivisionBody) => Promise<string | null>,
    oracle: Oracle,
  ) {
    document.documentElement.lang = htmlLanguage();
    const units = new IndexedLayer(need(layers, "units"));
    this.cells = new IndexedLayer(need(layers, "cells"));
    this.ground = ground;
    const queue = left ?? new SaveQueue(this.ground, saved);
    this.plan = new Plan(this.ground, queue.base, queue.standIns());
    const middles = middlesOf(this.cells, units);
    const [lower, upper] = settings.plan.band;
    const fitOf = (grid: number) => this.desk.fitOf(grid);
    this.seeing = new Seeing(this.plan, settings.styles, fitOf, () => {
      this.picture.redraw();
      dots.redraw();
    });
    const dots = new Dots(this.plan, middles, () => this.seeing.way === "dots");
    this.look = { fitOf, styleOf: (grid) => this.seeing.styleOf(grid), active: -1, marked: new Set() };

    this.desk = new Desk(this.plan, new UnitPoints(middles.x, middles.y), { lower, upper }, {
      changed: (grids, changed) => {
        this.picture.touch(grids, changed);
        if (this.desk.isPainting) this.board.follow(grids);
      },
      edited: (edit) => {
        this.keeper.push(edit);
        this.seeing.refresh();
        why.edited();
        this.table.edited(edit);
        this.board.renderSoon(this.makesRoom);
      },
      locked: () => {
        keepLocks(this.plan, shelf, locksKey);
        this.marks.ask();
        this.board.render();
        this.table.locked();
      },
    });
    const locksKey = locksKeyOf(shelfKey);
    this.keeper = new Keeper(
      queue, server, shelf, shelfKey,
      (keeping) => {
        this.board.keep(keeping, this.keeper);
        if (keeping === "changed") onChanged(queue);
        if (keeping === "saved") void this.tomorrow.refresh();
      },
      (codes) => {
        for (const [from, to] of codes) {
          this.plan.recode(from, to);
          this.desk.history.recode(from, to);
        }
        if (!codes.length) return;
        keepLocks(this.plan, shelf, locksKey);
        this.board.renderSoon();
        this.table.render();
      },
      this.ground.unitIds,
    );

    const why = new Why(async (text) => {
      // A save on its way ends soon, or the service is away.
      for (let wait = 0; wait < 50 && this.keeper.keeping === "saving"; wait++) await new Promise((resolve) => setTimeout(resolve, 100));
      return this.keeper.keeping === "saved" && note(text);
    });
    const backdrop = new Scene(new Map([...layers].filter(([name]) => !REDRAWN.has(name))));
    const shown = new Set<Shown>(["units", "communities", "roads", "water", "barriers", "compounds", "gates", "labels"]);
    const stage = element("main", { class: "stage", id: "stage" });
    map.setMaxZoom(MAX_ZOOM);
    // Under the tiles, so that roads and houses lie on the fills as on an exported map.
    pane(map, "weige-fills", 150);
    map.getContainer().style.background = settings.styles.ink.land;
    pane(map, "weige-lines", 420);
    pane(map, HAND_PANE, 440);
    pane(map, "weige-labels", 450);
    this.picture = new Picture(this.plan, this.cells, middles, settings.styles, this.look);
    this.towers = new TowersPanel(this.desk, units, (body) => void this.divide(body), (chosen) => this.fly(chosen));
    this.tomorrow = new TomorrowPanel(oracle, groundOn(map, this.plan, this.cells, {
      show: (grid) => {
        this.choose(grid);
        this.fly(this.plan.members(grid));
      },
      mark: (marked) => this.mark(marked),
    }));
    this.table = new UnitTable(this.desk, this.selection, (grid) => this.choose(grid), () => this.map.invalidateSize());
    this.marks = new Marks(this.plan, this.cells, middles, this.selection.units);
    this.board = new Board(this.desk, this.hand, {
      tool: (tool) => this.act(tool),
      choose: (grid) => this.choose(grid),
      fly: (chosen) => this.fly(chosen),
      undo: () => this.undo(),
      redo: () => this.back(this.desk.redo()),
      goTo: (position) => this.back(this.desk.goTo(position)),
      undoOutset: () => {
        const isBack = this.desk.goTo(0);
        this.back(isBack);
        if (isBack) this.desk.outset?.undo();
      },
      ask: (wanted) => void this.propose(wanted, wanted.kind === "split" || wanted.kind === "count" ? null : this.board.engine.maxMoved),
      mend: (remedy) => this.mend(remedy),
      renumber: () => void renumberGrids(this.desk, this.cells),
      keys: () => this.act("keys"),
      table: () => this.table.toggle(),
      move: () => this.act("move"),
      makeGrid: () => this.act("make_grid"),
      lock: (isLocked) => this.desk.lock(this.selection.list, isLocked),
      clear: () => this.selection.clear(),
      retry: () => void this.keeper.run(),
      reload: () => {
        this.keeper.forget();
        location.reload();
      },
      rescue: () => location.assign(location.pathname),
    }, this.selection, [this.towers.root, this.tomorrow.root]);
    this.board.under(why.root);
    const root = element("div", { id: "weige", class: "redrawing" });
    root.append(this.board.root, stage);
    document.body.append(root);
    stage.append(map.getContainer(), this.table.root);
    map.invalidateSize({ animate: false });
    this.home(false);
    returnTo(map);
    new PlanTiles(new Painter(backdrop, settings.styles, shown, "after", () => false, true)).addTo(map);
    dots.addTo(map);
    this.picture.addTo(map);
    this.seeing.control().addTo(map);
    this.marks.addTo(map);
    const { picture } = this;
    this.overlay = new Overlay(backdrop, settings.styles, shown, new Incidents(backdrop.get("incidents")), {
      x: null,
      get covers() {
        return picture.covers;
      },
    });
    this.overlay.addTo(map);
    new TowerBadges(units).addTo(map);
    const told = {
      chose: (grid: number) => this.choose(grid),
      stroked: (target: number | null) => {
        if (target !== null) this.aim(target);
        this.board.renderSoon();
      },
      selected: (chosen: readonly number[], how: "replace" | "add" | "remove") => this.selection.take(chosen, how),
      refused: (why: string) => this.board.say(t(`edit.refused.${why}`)),
      locked: (grids: readonly number[]) => this.board.say(lockedText(this.plan, { grids, units: [] })),
      changed: () => this.board.renderHand(),
    };
    let borders: Borders | null = null;
    let snaps: SnapLines | null = null;
    this.tools = new Tools({ map, desk: this.desk, cells: this.cells, hand: this.hand, told, picture: this.picture }, {
      borders: () => (borders ??= new Borders(this.plan, arcsOf(this.cells))),
      snaps: () => (snaps ??= snapLines(backdrop)),
    });
    this.desk.compoundName = compoundNames(backdrop.get("compounds"));
    // Shift and drag adds to a selection.
    map.boxZoom.disable();
    map.keyboard.disable();
    map.getContainer().setAttribute("aria-label", t("page.map"));
    L.control.zoom({ position: "topright", zoomInTitle: t("page.zoom_in"), zoomOutTitle: t("page.zoom_out") }).addTo(map);
    homeControl(t("page.whole"), () => this.home(true)).addTo(map);
    northArrow(t("page.north")).addTo(map);
    L.control.scale({ position: "bottomleft", imperial: false, maxWidth: 140 }).addTo(map);
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keyup", (event) => {
      if (event.key === " ") this.tools.holdMap(false);
    });
    this.desk.resume(queue.edits);
    const tower = takeDivided(shelfKey);
    if (tower !== null) {
      const undo = () => void this.divide({ unit_id: tower, floors: [], note: "" });
      this.desk.outset = { text: t("tower.was_divided", { tower }), undo };
    }
    restoreLocks(this.plan, shelf, locksKey);
    this.marks.ask();
    this.take("choose");
    this.board.render();
    void this.keeper.run();
  }

  totals(): Record<string, number> {
    return Object.fromEntries(this.desk.grids().map((grid) => [this.plan.facts(grid).code, this.plan.households(grid)]));
  }

  isCounted(): boolean {
    return this.plan.recount();
  }

  gridOf(unitId: string): string | null {
    const grid = this.plan.grid[this.ground.numberOf(unitId)] ?? -1;
    return grid < 0 ? null : this.plan.facts(grid).code;
  }

  state(): { grid: number[]; facts: readonly GridFacts[] } {
    const { grid, facts } = this.plan.state();
    return { grid: Array.from(grid), facts };
  }

  position(): number {
    return this.desk.history.position;
  }

  numbers(): readonly DrawnNumber[] {
    return this.picture.numbers();
  }

  colours(): Record<string, number> {
    return Object.fromEntries(this.desk.grids().map((grid) => [this.plan.facts(grid).code, this.seeing.colourOf(grid)]));
  }

  keeping(): string {
    return this.keeper.keeping;
  }

  rested(): Promise<void> {
    return this.board.rested();
  }

  /** Somebody else saved to the draft: the page opens anew where the planner wants to see it; what waits here is kept. */
  othersSaved(): void {
    this.board.sayOthers(() => {
      keepView(this.map);
      location.reload();
    });
  }

  /** What is not as it should be now, each with the way to it. */
  openProblems(): OpenProblem[] {
    return this.board.problems.open();
  }

  /** Tell the planner something under the tools. */
  say(text: string): void {
    this.board.say(text);
  }

  screenOf(unitId: string): [x: number, y: number] | null {
    const unit = this.ground.numberOf(unitId);
    const { x, y } = this.desk.points;
    if (unit < 0 || Number.isNaN(x[unit])) return null;
    const at = this.map.latLngToContainerPoint(place([x[unit] as number, y[unit] as number]));
    const box = this.map.getContainer().getBoundingClientRect();
    return [box.left + at.x, box.top + at.y];
  }

  private propose(wanted: Wanted, maxMoved: number | null): Promise<void> {
    const { desk, board, keeper, ask } = this;
    return propose({ desk, board, keeper, ask, mark: (units) => this.mark(units) }, wanted, maxMoved);
  }

  /** Divide a tower by floors, or make it whole: the service has other units then, and the page opens anew. */
  private async divide(body: DivisionBody): Promise<void> {
    this.board.say(t("tower.dividing"));
    await this.keeper.run();
    const refused = this.keeper.keeping === "saved" ? await this.sendDivision(body) : t("edit.refused.not_saved");
    if (refused !== null) {
      this.board.say(t("tower.refused", { detail: refused }));
      return;
    }
    if (body.floors.length) keepDivided(this.shelfKey, body.unit_id);
    keepView(this.map);
    location.reload();
  }

  private take(tool: Tool): void {
    this.hand.tool = tool;
    this.tools.change();
    this.board.say("");
    this.board.render();
  }

  /** Place the other labels anew where a number stands elsewhere now: that takes longer than all else after a stroke. */
  private makeRoom(): void {
    const covers = JSON.stringify(this.picture.covers.map(({ x0, y0, x1, y1 }) => [x0, y0, x1, y1].map((at) => Math.round(at / 4))));
    if (covers === this.covered) return;
    this.covered = covers;
    this.overlay.redraw();
  }

  private choose(grid: number | "new"): void {
    this.aim(grid);
    this.board.say("");
    this.board.render();
  }

  /** Let what the hand does next go into a grid. */
  private aim(grid: number | "new"): void {
    this.hand.target = grid;
    this.look.active = grid === "new" ? -1 : grid;
    this.mark([]);
  }

  /** Mark units on the map, in place of those that were. */
  private mark(units: Iterable<number>): void {
    this.look.marked = new Set(units);
    this.picture.touch([], []);
  }

  private undo(): void {
    const { history, outset } = this.desk;
    if (history.position === 0 && outset) outset.undo();
    else this.back(this.desk.undo());
  }

  private back(isDone: boolean): void {
    const { target } = this.hand;
    // What was undone may have made the grid that is painted into.
    if (typeof target === "number" && target >= this.plan.gridCount) this.aim(-1);
    const refused = isDone ? "" : lockedText(this.plan, this.desk.blockers ?? { grids: [], units: [] });
    this.board.say(refused);
    if (refused) this.table.say(refused);
    this.board.renderSoon();
  }

  private fly(units: readonly number[]): void {
    if (this.table.isOpen) this.table.point(units);
    // The chosen grid has its line already.
    const { active } = this.look;
    const isActive = active >= 0 && units.length === this.plan.units(active) && units.every((unit) => this.plan.grid[unit] === active);
    this.mark(isActive ? [] : units);
    const box = union(units.map((unit) => this.cells.box(unit)));
    if (box) this.map.fitBounds(boundsOf(box), { maxZoom: PLACE_ZOOM, padding: [60, 60] });
  }

  private home(animate: boolean): void {
    const box = union(Array.from({ length: this.cells.count }, (_, unit) => this.cells.box(unit)));
    if (box) this.map.fitBounds(boundsOf(box), { animate, padding: [16, 16] });
  }

  private key(event: KeyboardEvent): void {
    const action = actionOf(event);
    if (!action) return;
    event.preventDefault();
    this.act(action);
  }

  private act(action: KeyAction): void {
    const { map, desk, hand, selection, tools } = this;
    const tool = TOOL_KEYS.find(([each]) => each === action)?.[0];
    // What is done with the hand is done on the map.
    if (tool || action === "new") this.table.close();
    if (tool) this.take(tool);
    else if (action === "table") this.table.toggle();
    else if (action === "new") {
      this.choose("new");
      this.take("brush");
    } else if (action === "escape") {
      tools.cancel();
      selection.clear();
      this.board.render();
    } else if (action === "enter") tools.enter();
    else if (action === "undo") this.undo();
    else if (action === "redo") this.back(desk.redo());
    else if (action === "keys") {
      const dialog = keysDialog();
      document.body.append(dialog);
      dialog.showModal();
    } else if (action === "move") {
      if (typeof hand.target !== "number" || hand.target < 0) this.board.say(t("edit.refused.no_target"));
      else if (selection.units.size) this.placed(desk.move(selection.list, hand.target), hand.target);
    } else if (action === "make_grid") {
      const grid = selection.units.size ? desk.makeGrid(selection.list) : null;
      if (selection.units.size) this.placed(grid !== null, grid ?? -1);
    } else if (action === "lock") {
      const { list } = selection;
      if (list.length) desk.lock(list, !list.every((unit) => this.plan.isUnitLocked(unit)));
    } else if (action === "lock_grid") {
      if (typeof hand.target === "number" && hand.target >= 0) desk.lockGrid(hand.target, !this.plan.isGridLocked(hand.target));
    } else if (action === "problem") this.board.problems.showNext();
    else if (action === "previous" || action === "next") this.choose(nextOf(desk.grids(), hand.target, action === "next" ? 1 : -1));
    else if (action === "narrower" || action === "wider") {
      const step = action === "wider" ? 1 : -1;
      if (hand.tool === "drag") hand.reach = Math.min(Math.max(hand.reach + 12 * step, REACH.least), REACH.most);
      else hand.radius = Math.min(Math.max(hand.radius + 4 * step, 0), 80);
      this.board.renderHand();
    } else if (action === "hold_map") tools.holdMap(true);
    else if (action === "home") this.home(true);
    else if (action === "zoom_in" || action === "zoom_out") map.zoomIn(action === "zoom_in" ? 1 : -1);
    else if (action in WAYS) map.panBy(WAYS[action as keyof typeof WAYS]);
  }

  /** Say what became of selected units. */
  private placed(isDone: boolean, grid: number): void {
    if (!isDone) {
      this.board.say(t("edit.refused.not_moved"));
      return;
    }
    this.selection.clear();
    this.choose(grid);
  }

  private mend(remedy: Remedy): void {
    const { desk, plan } = this;
    if (remedy.kind === "floors") {
      this.towers.lead(remedy.unit);
      return;
    }
    if (remedy.kind === "mend" || remedy.kind === "split") {
      const grids = (remedy.kind === "mend" ? remedy.grids : [remedy.grid]).map((grid) => plan.facts(grid).code);
      void this.propose(remedy.kind === "mend" ? { kind: "mend", grids } : { kind: "split", grids, parts: remedy.parts }, null);
      return;
    }
    const isDone = remedy.kind === "merge" ? desk.merge(remedy.grid, remedy.into) : desk.assign(remedy.units, remedy.to);
    if (isDone) this.choose(remedy.into);
    else this.board.say(t("edit.refused.locked"));
  }
}

/** Pixels that an arrow key moves the map by. */
const WAYS = { west: [-160, 0], east: [160, 0], north: [0, -160], south: [0, 160] } satisfies Record<string, L.PointTuple>;

function nextOf(grids: readonly number[], from: number | "new", step: number): number {
  const at = grids.indexOf(from as number);
  return grids[at < 0 ? (step > 0 ? 0 : grids.length - 1) : (at + step + grids.length) % grids.length] ?? -1;
}

function pane(map: L.Map, name: string, height: number): HTMLElement {
  const made = map.createPane(name);
  made.style.zIndex = String(height);
  made.style.pointerEvents = "none";
  return made;
}
