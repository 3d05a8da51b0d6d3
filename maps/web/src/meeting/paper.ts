/** Paper: sizes of sheets, the public notice, the watermark, and the stamp that every sheet carries. */
import { element, typed } from "../dom.ts";
import type { Shown } from "../paint.ts";
import type { Scene } from "../scene.ts";
import type { Settings, Status } from "../schema.ts";
import { formatMoment } from "../times.ts";
import { formatCount, t } from "../words.ts";
import { isoDate } from "./agenda.ts";
import type { MeetingNote } from "./schema.ts";

export const SHEETS = ["A4", "A3", "notice", "minutes"] as const;

export type Sheet = (typeof SHEETS)[number];

/** What a public notice shows of the map: the grids and what they are found by; nothing of cases or of the meeting. */
export const ON_NOTICE: ReadonlySet<Shown> = new Set(["status", "labels", "communities", "roads", "water", "barriers", "compounds"]);

/** Set what the browser prints, and print it. */
export function printSheet(sheet: Sheet): void {
  layOut(sheet);
  window.print();
}

/** Lay out what the browser prints next. */
export function layOut(sheet: Sheet): void {
  const style = document.getElementById("weige-sheet") ?? element("style", { id: "weige-sheet" });
  const size = sheet === "notice" || sheet === "minutes" ? "A4 portrait" : `${sheet} landscape`;
  style.textContent = `@page { size: ${size}; margin: 9mm; }`;
  document.head.append(style);
  document.documentElement.dataset.sheet = sheet;
}

/** Date, sources with their digests and rows, and whether texts were left out: one line. Of cases a public notice tells nothing. */
export function stampLine(note: MeetingNote, isPublic = false): HTMLElement {
  const sources = note.sources.slice(0, isPublic ? 1 : undefined).map(({ name, sha256, rows, shown }) => t(rows === shown ? "meeting.stamp.source" : "meeting.stamp.source_part", {
    name, digest: sha256.slice(0, 12), rows, shown,
  }));
  const parts = [
    t("meeting.stamp.made_at", { at: formatMoment(note.made_at) }),
    ...(note.period && !isPublic ? [t("meeting.stamp.period", { first: formatMoment(note.period[0]), last: formatMoment(note.period[1]) })] : []),
    ...sources, ...(isPublic ? [] : [t(note.redacted ? "meeting.stamp.redacted" : "meeting.stamp.with_texts")]),
  ];
  return element("p", { class: "stamp" }, typed(parts.join(t("hours.then"))));
}

/** Letters of a watermark, and its longest line; words that need more lines than these are written smaller. */
const MARK_PX = { largest: 26, smallest: 14, line: 380 } as const;
const MOST_MARK_LINES = 3;
const MARK_SLANT = 0.42;

/** Words in lines of a width, broken between words where there are any, and else between letters; all of them. */
export function linesOf(words: string, widthOf: (text: string) => number, most: number): string[] {
  const lines: string[] = [];
  let line = "";
  const end = () => {
    if (line.trim()) lines.push(line.trim());
    line = "";
  };
  for (const word of words.split(/(?<=\s)/)) {
    if (line && widthOf((line + word).trim()) > most) end();
    for (const letter of word) {
      if (line && widthOf(line + letter) > most && letter.trim()) end();
      line += letter;
    }
  }
  end();
  return lines;
}

/** Words over the whole map, again and again; drawn, so that no style of paper leaves them out. */
export function watermark(words: string): HTMLElement | null {
  if (!words) return null;
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  const font = (size: number) => (pen.font = `600 ${size}px "Microsoft YaHei","Noto Sans CJK SC",sans-serif`);
  let size = MARK_PX.largest;
  let lines: string[] = [];
  do {
    font(size);
    lines = linesOf(words, (text) => pen.measureText(text).width, MARK_PX.line);
  } while (lines.length > MOST_MARK_LINES && (size -= 4) >= MARK_PX.smallest);
  const [width, height] = [Math.max(...lines.map((line) => pen.measureText(line).width)), 1.3 * size * lines.length];
  // Slanted words need a wider and a higher tile; none is smaller than that of a few.
  const [cos, sin] = [Math.cos(MARK_SLANT), Math.sin(MARK_SLANT)];
  canvas.width = Math.max(420, Math.ceil(width * cos + height * sin) + 40);
  canvas.height = Math.max(260, Math.ceil(width * sin + height * cos) + 40);
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate(-MARK_SLANT);
  font(Math.max(size, MARK_PX.smallest));
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = "rgba(28, 36, 48, 0.22)";
  lines.forEach((line, i) => pen.fillText(line, 0, 1.3 * size * (i - (lines.length - 1) / 2)));
  const cover = element("div", { class: "watermark", "aria-hidden": "true" });
  const image = element("img", { alt: "", src: canvas.toDataURL() });
  cover.style.backgroundImage = `url(${image.src})`;
  return cover;
}

/** The notice that is put up for everyone: what is planned and how to object, over the map; each grid, under it. */
export function noticeSheet(scene: Scene, settings: Settings, place: string): { head: HTMLElement[]; rest: HTMLElement[] } {
  const grids = scene.get("grids");
  const [lower, upper] = settings.plan.band;
  const day = planDay(settings.plan.finished_at);
  const head = [
    element("h1", {}, t("meeting.notice.title", { place })),
    element("p", {}, t(day ? "meeting.notice.text" : "meeting.notice.text_undated", {
      place, grids: grids.count, lower, upper, households: settings.households.in_grids, day: formatMoment(day),
    })),
    element("p", {}, t("meeting.notice.object")),
  ];
  const rest = [
    element("p", { class: "notice-lines" }, t("meeting.notice.lines")),
    element("p", { class: "notice-columns" }, t("meeting.notice.columns")),
    element("div", { class: "notice-grids" }, ...gridsByCommunity(scene)),
  ];
  return { head, rest };
}

/** The day of a plan by the clock that it was written by, in UTC by the reader's; "" where none is told. */
export function planDay(finishedAt: string): string {
  if (!/^\d{4}-\d\d-\d\d/.test(finishedAt)) return "";
  const moment = /(Z|[+-]00:?00)$/.test(finishedAt) ? new Date(finishedAt) : null;
  return moment && !isNaN(moment.getTime()) ? isoDate(moment) : finishedAt.slice(0, 10);
}

/** Grids as short lines under the name of their community: a city is to be put up on a few sheets. */
function gridsByCommunity(scene: Scene): HTMLElement[] {
  const grids = scene.get("grids");
  const communities = scene.get("communities");
  const names = new Map(Array.from({ length: communities.count }, (_, i) => [communities.text("community_id", i), communities.text("name", i)]));
  const sections = new Map<string, HTMLElement>();
  for (let grid = 0; grid < grids.count; grid++) {
    const community = grids.text("community_id", grid);
    let section = sections.get(community);
    if (!section) {
      section = element("section", {}, community ? element("h3", {}, typed([names.get(community), community].filter((each) => each).join(" "))) : null);
      sections.set(community, section);
    }
    const count = (column: string) => element("span", { class: "number" }, formatCount(grids.number(column, grid) ?? 0));
    section.append(element("p", { class: "notice-row" }, element("b", {}, typed(grids.text("grid_id", grid))), count("households"), count("units"),
      element("span", { class: "size" }, t(`status.${grids.text("status", grid) as Status}`))));
  }
  return [...sections.values()];
}
