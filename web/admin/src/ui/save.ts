// Saves what the page knows as a file.

export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 0);
}

// Rows as CSV (RFC 4180). A spreadsheet takes no text for a formula, whoever chose a name.
export function table(rows: string[][]): string {
  const cell = (text: string) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replace(/"/g, '""')}"`;
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}
