// Rows of things. On a narrow screen each row becomes a card whose lines carry the columns' titles.
import type { ComponentChildren } from "preact";

export interface Column<T> {
  title: string;
  cell: (row: T) => ComponentChildren;
  kind?: "number" | "actions" | "main";
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  name: (row: T) => string; // tells rows apart
  empty: ComponentChildren;
}

export function Table<T>({ caption, columns, rows, name, empty }: Props<T>) {
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  return (
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
  );
}
