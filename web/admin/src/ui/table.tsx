// Rows of things. Where they are wider than their place, each row becomes a card whose lines carry the columns' titles.
// Columns that can be sorted have a button for a title: those with `by` where the server sorts, those with `value` where all rows are
// here.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const TOO_NARROW = 600; // px, where columns would be squeezed even if they fit

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  kind?: "number" | "actions" | "main" | "free"; // free: words that people chose, which may be long and without blanks
  by?: string; // what the server calls it
  value?: (row: T) => string | number | null | undefined;
}

// sort: the column's `by`, or its title; "": as the rows come.
export interface Order {
  sort: string;
  order: string; // asc, or anything else for desc
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  name: (row: T) => string; // tells rows apart
  empty: ComponentChildren;
  order?: Order | undefined; // undefined: it cannot be sorted
  onOrder?: (order: Order) => void;
}

const WORDS = new Intl.Collator(undefined, { numeric: true });

// What has no value comes last, whichever way.
function sorted<T>(rows: T[], columns: Column<T>[], { sort, order }: Order): T[] {
  const value = columns.find(({ title }) => title === sort)?.value;
  if (!value) return rows;
  const way = order === "asc" ? 1 : -1;
  return [...rows].sort((left, right) => {
    const [a, b] = [value(left) ?? "", value(right) ?? ""];
    if (a === "" || b === "") return Number(a === "") - Number(b === "");
    return way * (typeof a === "number" && typeof b === "number" ? a - b : WORDS.compare(String(a), String(b)));
  });
}

function Title<T>({ column, order, onOrder }: { column: Column<T>; order: Order; onOrder: (order: Order) => void }) {
  const sort = column.by ?? column.title;
  const now = order.sort !== sort ? "none" : order.order === "asc" ? "ascending" : "descending";
  return (
    <th scope="col" class={`sorts ${column.kind ?? ""}`} aria-sort={now}>
      <button type="button" onClick={() => onOrder({ sort, order: now === "descending" || (now === "none" && column.kind !== "number") ? "asc" : "desc" })}>
        {column.title}
        <span aria-hidden="true">{now === "none" ? "↕" : now === "ascending" ? "↑" : "↓"}</span>
      </button>
    </th>
  );
}

export function Table<T>({ caption, columns, rows, name, empty, order, onOrder }: Props<T>) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    function fit() {
      const element = place.current;
      if (!element) return;
      element.classList.remove("narrow"); // measured as a table
      element.classList.toggle("narrow", element.clientWidth < TOO_NARROW || element.scrollWidth > element.clientWidth);
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
            {columns.map((column) =>
              order && onOrder && (column.by || column.value) ? (
                <Title key={column.title} column={column} order={order} onOrder={onOrder} />
              ) : (
                <th key={column.title} scope="col" class={column.kind}>
                  {column.kind === "actions" ? <span class="unseen">{column.title}</span> : column.title}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {(order ? sorted(rows, columns, order) : rows).map((row) => (
            <tr key={name(row)}>
              {columns.map((column) => (
                <td key={column.title} class={column.kind} data-title={column.title}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
