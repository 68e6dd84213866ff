// A list. A column may show a second fact below the first, so that wide lists fit a small window. If a list is still too wide,
// words break anywhere; if that does not help either, each row becomes a card whose lines have the titles.
// The title of a fact that can be sorted by is a button: a fact with `by` is sorted by the server, one with `value` by the page, which
// then has all rows.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const TOO_NARROW = 600; // px, where columns would be squeezed even if they fit

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  kind?: "number" | "actions" | "main" | "free"; // free: words that people chose, which may be long and without blanks
  by?: string; // its name at the server
  value?: (row: T) => string | number | null | undefined;
  below?: Column<T> | undefined; // its kind is ignored
}

// sort: the `by` of a fact, or its title; "": the order of the rows.
export interface Order {
  sort: string;
  order: string; // asc, or anything else for desc
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  name: (row: T) => string; // unique for each row
  empty: ComponentChildren;
  order?: Order | undefined; // undefined: it cannot be sorted
  onOrder?: (order: Order) => void;
}

function facts<T>(column: Column<T>): Column<T>[] {
  return column.below ? [column, column.below] : [column];
}

const WORDS = new Intl.Collator(undefined, { numeric: true });

// Rows without a value come last in either order.
function sorted<T>(rows: T[], columns: Column<T>[], { sort, order }: Order): T[] {
  const value = columns.flatMap(facts).find(({ title }) => title === sort)?.value;
  if (!value) return rows;
  const way = order === "asc" ? 1 : -1;
  return [...rows].sort((left, right) => {
    const [a, b] = [value(left) ?? "", value(right) ?? ""];
    if (a === "" || b === "") return Number(a === "") - Number(b === "");
    return way * (typeof a === "number" && typeof b === "number" ? a - b : WORDS.compare(String(a), String(b)));
  });
}

interface HeadProps<T> {
  column: Column<T>;
  order: Order | undefined;
  onOrder: ((order: Order) => void) | undefined;
}

function Head<T>({ column, order, onOrder }: HeadProps<T>) {
  let sorted: "none" | "ascending" | "descending" | undefined; // by any of its facts
  const titles = facts(column).map(({ title, kind, by, value }) => {
    if (!order || !onOrder || !(by || value)) return <span class={kind === "actions" ? "unseen" : undefined}>{title}</span>;
    const sort = by ?? title;
    const now = order.sort !== sort ? "none" : order.order === "asc" ? "ascending" : "descending";
    if (now !== "none" || !sorted) sorted = now;
    const next = now === "descending" || (now === "none" && kind !== "number") ? "asc" : "desc";
    return (
      <button type="button" class={now} onClick={() => onOrder({ sort, order: next })}>
        {title}
        <span aria-hidden="true">{now === "none" ? "↕" : now === "ascending" ? "↑" : "↓"}</span>
      </button>
    );
  });
  return (
    <th scope="col" class={`${sorted ? "sorts " : ""}${column.kind ?? ""}`} aria-sort={sorted}>
      {titles}
    </th>
  );
}

export function Table<T>({ caption, columns, rows, name, empty, order, onOrder }: Props<T>) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    function fit() {
      const element = place.current;
      if (!element) return;
      const tooWide = () => element.scrollWidth > element.clientWidth;
      element.classList.remove("narrow", "tight"); // measured as a table
      element.classList.toggle("tight", tooWide());
      element.classList.toggle("narrow", element.clientWidth < TOO_NARROW || tooWide());
    }
    fit();
    addEventListener("resize", fit);
    return () => removeEventListener("resize", fit);
  });
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  return (
    <div ref={place}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.title} column={column} order={order} onOrder={onOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {(order ? sorted(rows, columns, order) : rows).map((row) => (
            <tr key={name(row)}>
              {columns.map((column) => (
                <td key={column.title} class={column.kind} data-title={column.title}>
                  {column.below ? <div>{column.cell(row)}</div> : column.cell(row)}
                  {column.below && (
                    <div class="below" data-title={column.below.title}>
                      {column.below.cell(row)}
                    </div>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
