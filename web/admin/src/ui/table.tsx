// Rows of things. Where they are wider than their place, each row becomes a card whose lines carry the columns' titles.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const TOO_NARROW = 600; // px, where columns would be squeezed even if they fit

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  kind?: "number" | "actions" | "main" | "free"; // free: words that people chose, which may be long and without blanks
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  name: (row: T) => string; // tells rows apart
  empty: ComponentChildren;
}

export function Table<T>({ caption, columns, rows, name, empty }: Props<T>) {
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
            {columns.map((column) => (
              <th key={column.title} scope="col" class={column.kind}>
                {column.kind === "actions" ? <span class="unseen">{column.title}</span> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
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
