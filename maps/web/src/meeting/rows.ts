/** Rows of a table: found by any part of what they show, sorted by a column. Pure. */
import { fold } from "../search.ts";

export interface Column {
  key: string;
  /** What stands above it, where that is no word of its key. */
  label?: string;
  isNumber: boolean;
  text(row: number): string;
  /** What a number column is sorted by; null stands last. */
  value?(row: number): number | null;
}

export interface Order {
  column: number;
  isDescending: boolean;
}

/** Rows that hold every word of a query in some column, in the order asked for; equal ones stay as they come. */
export function arranged(rows: readonly number[], columns: readonly Column[], query: string, order: Order | null): number[] {
  const words = fold(query).split(" ").filter((word) => word !== "");
  const found = words.length
    ? rows.filter((row) => {
      const said = fold(columns.map((column) => column.text(row)).join("\n"));
      return words.every((word) => said.includes(word));
    })
    : [...rows];
  const column = order ? columns[order.column] : undefined;
  if (!order || !column) return found;
  const rank = column.value ? (row: number) => column.value?.(row) ?? null : ranksOf(found, column);
  const sign = order.isDescending ? -1 : 1;
  const keyed = found.map((row, place) => ({ row, place, key: rank(row) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return a.key === b.key ? a.place - b.place : a.key === null ? 1 : -1;
    return sign * (a.key - b.key) || a.place - b.place;
  });
  return keyed.map(({ row }) => row);
}

/** Places of texts among all of a column, as readers sort them; each text is compared once, however often it occurs. */
function ranksOf(rows: readonly number[], column: Column): (row: number) => number | null {
  const texts = [...new Set(rows.map((row) => column.text(row)))].filter((text) => text !== "");
  const compare = new Intl.Collator("zh-CN", { numeric: true }).compare;
  const places = new Map(texts.sort(compare).map((text, place) => [text, place]));
  return (row) => places.get(column.text(row)) ?? null;
}
