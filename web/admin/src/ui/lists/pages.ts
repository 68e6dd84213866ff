// Lists that the server sends page by page. Each page says where the next one begins.
import { useState } from "preact/hooks";
import { call, type Call } from "../../api";
import { useLoaded, type Loaded } from "../../load";

export interface Paged<T> {
  rows: T[];
  next: string | null; // null: this was the last page
  first: Record<string, unknown>; // the other members of the first page
}

// Reads at most this many pages. list: the member of the answer that holds the rows.
export async function readPages<T>(path: string, list: string, { query, ...options }: Call, pages: number): Promise<Paged<T>> {
  const all: Paged<T> = { rows: [], next: null, first: {} };
  for (let i = 0; i < pages; i++) {
    const after = all.next ?? undefined;
    const page = await call<Record<string, unknown>>("GET", path, { ...options, query: { ...query, after } });
    if (i === 0) all.first = page;
    all.rows.push(...(page[list] as T[]));
    all.next = (page["next"] as string | null) ?? null;
    if (all.next === null) break;
  }
  return all;
}

// changes: the values that the list depends on. When one changes, reading starts again at the first page.
export function usePages<T>(path: string, list: string, options: Call, changes: unknown[]): Loaded<Paged<T>> & { more: () => void } {
  const now = JSON.stringify(changes);
  const [wanted, want] = useState({ changes: now, pages: 1 });
  const pages = wanted.changes === now ? wanted.pages : 1;
  const loaded = useLoaded(() => readPages<T>(path, list, options, pages), [now, pages]);
  return { ...loaded, more: () => want({ changes: now, pages: pages + 1 }) };
}
