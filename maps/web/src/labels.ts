/** Choose which labels are drawn: the more important first, none over another. Pure. */

export interface Box {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** What takes a place on the map. */
export interface Placed {
  box: Box;
}

/** One label a view might show; the larger `priority` wins. */
export interface Candidate<P extends Placed> {
  priority: number;
  /** Its forms, tried in order until one has room; made as they are tried, since few are. */
  forms: Iterable<P>;
}

/** Free pixels kept between two labels. */
const GAP = 2;

/** By so much two round signs may lie over each other. */
const TOUCH_PX = 1;

/** Squares of a row with keys of their own; those beyond share keys of the next row, and are looked at in vain. */
const COLUMNS = 4096;

/** Boxes in squares of a fixed size, so that one looks only at its neighbourhood. */
export class Taken {
  private readonly squares = new Map<number, Box[]>();

  constructor(private readonly side = 96) {}

  isFree(box: Box): boolean {
    const { side, squares } = this;
    const last = Math.floor((box.x1 + GAP) / side);
    const bottom = Math.floor((box.y1 + GAP) / side);
    for (let i = Math.floor((box.x0 - GAP) / side); i <= last; i++) {
      for (let j = Math.floor((box.y0 - GAP) / side); j <= bottom; j++) {
        const boxes = squares.get(j * COLUMNS + i);
        if (!boxes) continue;
        for (const other of boxes) if (overlap(box, other)) return false;
      }
    }
    return true;
  }

  take(box: Box): void {
    const { side, squares } = this;
    const last = Math.floor((box.x1 + GAP) / side);
    const bottom = Math.floor((box.y1 + GAP) / side);
    for (let i = Math.floor((box.x0 - GAP) / side); i <= last; i++) {
      for (let j = Math.floor((box.y0 - GAP) / side); j <= bottom; j++) {
        const boxes = squares.get(j * COLUMNS + i);
        if (boxes) boxes.push(box);
        else squares.set(j * COLUMNS + i, [box]);
      }
    }
  }
}

export function overlap(a: Box, b: Box, gap = GAP): boolean {
  return a.x0 < b.x1 + gap && b.x0 < a.x1 + gap && a.y0 < b.y1 + gap && b.y0 < a.y1 + gap;
}

/** The labels to draw, in the order of drawing: of each candidate the first allowed form that has room. */
export function placeLabels<P extends Placed>(
  candidates: readonly Candidate<P>[], taken = new Taken(), isAllowed: (form: P) => boolean = () => true,
): P[] {
  const steps = placing(candidates, taken, isAllowed);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, a form at each step: some are long in finding. */
export function* placing<P extends Placed>(
  candidates: readonly Candidate<P>[], taken: Taken, isAllowed: (form: P) => boolean,
): Generator<void, P[]> {
  const placed: P[] = [];
  for (const { forms } of [...candidates].sort((a, b) => b.priority - a.priority)) {
    for (const form of forms) {
      yield;
      if (!isAllowed(form) || !taken.isFree(form.box)) continue;
      taken.take(form.box);
      placed.push(form);
      break;
    }
  }
  return placed;
}

export interface Circle {
  x: number;
  y: number;
  radius: number;
  count: number;
}

/** Join circles that would cover each other into the larger one, until none do. */
export function joinCircles<C extends Circle>(circles: readonly C[], radiusOf: (count: number) => number): (C & { members: C[] })[] {
  const joined: (C & { members: C[] })[] = [];
  for (const circle of [...circles].sort((a, b) => b.count - a.count)) {
    const host = joined.find(({ x, y, radius }) => Math.hypot(x - circle.x, y - circle.y) < radius + circle.radius + GAP);
    if (!host) joined.push({ ...circle, members: [circle] });
    else {
      host.members.push(circle);
      host.count += circle.count;
      host.radius = radiusOf(host.count);
    }
  }
  // A circle that grew may now reach a neighbour.
  return joined.length < circles.length ? regrow(joined, radiusOf) : joined;
}

function regrow<C extends Circle>(circles: (C & { members: C[] })[], radiusOf: (count: number) => number): (C & { members: C[] })[] {
  for (let i = 0; i < circles.length; i++) {
    for (let j = i + 1; j < circles.length; j++) {
      const a = circles[i] as C & { members: C[] };
      const b = circles[j] as C & { members: C[] };
      if (Math.hypot(a.x - b.x, a.y - b.y) >= a.radius + b.radius + GAP) continue;
      a.members.push(...b.members);
      a.count += b.count;
      a.radius = radiusOf(a.count);
      circles.splice(j, 1);
      return regrow(circles, radiusOf);
    }
  }
  return circles;
}

/** The serial of a grid code: what follows the community's code. */
export function shortCode(code: string): string {
  return code.length > 6 ? code.slice(-3) : code;
}

/** A name cut to a number of characters. */
export function shorten(name: string, length: number): string {
  const characters = [...name.trim()];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : characters.join("");
}

/**
 * Round signs that leave each other to be read, in the order to draw them, and the rest, which are drawn as dots below.
 *
 * What comes first is always a sign, and is drawn last; of the others those that come before.
 */
export function signsAndDots<Spot extends { x: number; y: number; radius: number }>(
  spots: readonly Spot[], comesFirst: (spot: Spot) => boolean,
): [signs: Spot[], dots: Spot[]] {
  const signs = spots.filter(comesFirst);
  const dots: Spot[] = [];
  for (const spot of spots) {
    if (comesFirst(spot)) continue;
    const isFree = signs.every(({ x, y, radius }) => Math.hypot(x - spot.x, y - spot.y) >= radius + spot.radius - TOUCH_PX);
    (isFree ? signs : dots).push(spot);
  }
  return [signs.reverse(), dots];
}
