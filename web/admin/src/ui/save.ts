// Saves text as a CSV file.

export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 0);
}

// Rows as CSV (RFC 4180). A text that looks like a formula gets an apostrophe in front, so that a spreadsheet does not run it.
export function csvOf(rows: string[][]): string {
  const cell = (text: string) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replace(/"/g, '""')}"`;
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}
