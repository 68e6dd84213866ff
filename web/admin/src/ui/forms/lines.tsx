// Options as lines of a name and a value, which can be added and removed.

export interface Line {
  id: number;
  name: string;
  value: string;
}

let made = 0;

export function linesOf(options: Record<string, string>): Line[] {
  return Object.entries(options).map(([name, value]) => ({ id: ++made, name, value }));
}

export function optionsOf(lines: Line[]): Record<string, string> {
  return Object.fromEntries(lines.filter((line) => line.name.trim() !== "").map((line) => [line.name.trim(), line.value]));
}

interface Props {
  lines: Line[];
  onLines: (lines: Line[]) => void;
  placeholder?: string;
}

export function Lines({ lines, onLines, placeholder }: Props) {
  const change = (id: number, part: Partial<Line>) => onLines(lines.map((line) => (line.id === id ? { ...line, ...part } : line)));
  return (
    <div class="lines">
      {lines.map((line, i) => (
        <div class="line" key={line.id} role="group" aria-label={`Option ${i + 1}`}>
          <input
            aria-label="Name"
            placeholder={placeholder ?? "name"}
            spellcheck={false}
            value={line.name}
            onInput={(event) => change(line.id, { name: event.currentTarget.value })}
          />
          <input
            aria-label="Value"
            placeholder="value"
            spellcheck={false}
            value={line.value}
            onInput={(event) => change(line.id, { value: event.currentTarget.value })}
          />
          <button type="button" aria-label={`Remove ${line.name || "this line"}`} onClick={() => onLines(lines.filter((one) => one !== line))}>
            Remove
          </button>
        </div>
      ))}
      <button type="button" onClick={() => onLines([...lines, { id: ++made, name: "", value: "" }])}>
        Add a line
      </button>
    </div>
  );
}
