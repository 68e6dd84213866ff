// A control with its label, its hint and the server's error.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { ApiError } from "../../api";

interface Frame {
  label: string;
  hint?: ComponentChildren;
  fault?: string | undefined;
}

interface TextProps extends Frame {
  value: string;
  onText: (text: string) => void;
  type?: "text" | "password" | "url" | "number" | "date" | "datetime-local" | "search";
  required?: boolean;
  pattern?: string;
  title?: string;
  min?: number;
  placeholder?: string;
  suggestions?: string[];
  disabled?: boolean;
}

function described(id: string, hint: unknown, fault: string | undefined) {
  const names = [hint ? `${id}-hint` : "", fault ? `${id}-fault` : ""].filter(Boolean).join(" ");
  return { id, "aria-invalid": fault ? (true as const) : undefined, "aria-describedby": names || undefined };
}

function Notes({ id, hint, fault }: Omit<Frame, "label"> & { id: string }) {
  return (
    <>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {fault && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </>
  );
}

function Framed({ id, label, hint, fault, children }: Frame & { id: string; children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      <Notes id={id} hint={hint} fault={fault} />
    </div>
  );
}

export function TextField({ label, hint, fault, onText, suggestions, type = "text", ...rest }: TextProps) {
  const id = useId();
  return (
    <Framed id={id} label={label} hint={hint} fault={fault}>
      <input
        {...rest}
        {...described(id, hint, fault)}
        type={type}
        autocomplete={type === "password" ? "new-password" : "off"}
        spellcheck={false}
        list={suggestions ? `${id}-list` : undefined}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      {suggestions && (
        <datalist id={`${id}-list`}>
          {suggestions.map((text) => (
            <option key={text} value={text} />
          ))}
        </datalist>
      )}
    </Framed>
  );
}

interface SelectProps extends Frame {
  value: string;
  choices: readonly (readonly [value: string, text: string])[];
  onText: (text: string) => void;
}

export function SelectField({ label, hint, fault, value, choices, onText }: SelectProps) {
  const id = useId();
  return (
    <Framed id={id} label={label} hint={hint} fault={fault}>
      <select {...described(id, hint, fault)} value={value} onChange={(event) => onText(event.currentTarget.value)}>
        {choices.map(([name, text]) => (
          <option key={name} value={name}>
            {text}
          </option>
        ))}
      </select>
    </Framed>
  );
}

export function CheckField({ label, hint, fault, checked, onCheck }: Frame & { checked: boolean; onCheck: (on: boolean) => void }) {
  const id = useId();
  return (
    <div class="field check">
      <input {...described(id, hint, fault)} type="checkbox" checked={checked} onChange={(event) => onCheck(event.currentTarget.checked)} />
      <div>
        <label for={id}>{label}</label>
        <Notes id={id} hint={hint} fault={fault} />
      </div>
    </div>
  );
}

// JSON, checked while it is typed. fault: the server's error.
export function JsonField({ label, hint, fault, value, onText }: Frame & { value: string; onText: (text: string) => void }) {
  const id = useId();
  const wrong = fault ?? jsonFault(value);
  return (
    <Framed id={id} label={label} hint={hint} fault={wrong}>
      <textarea
        {...described(id, hint, wrong)}
        class="code"
        rows={Math.min(16, Math.max(3, value.split("\n").length + 1))}
        spellcheck={false}
        value={value}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    </Framed>
  );
}

// undefined: the text is a JSON object, or empty.
export function jsonFault(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "This must be an object: {…}";
  } catch (error) {
    const words = error instanceof Error ? error.message : "";
    const at = /position (\d+)/.exec(words)?.[1];
    if (at === undefined) return `Not JSON: ${words}`;
    const before = text.slice(0, Number(at)).split("\n");
    return `Not JSON: line ${before.length}, column ${(before.at(-1) ?? "").length + 1}.`;
  }
}

// The server's error for the field of this name, which is the last part of the path in that error.
export function faultOf(error: ApiError | undefined, name: string): string | undefined {
  const field = error?.field;
  return field && (field.path === name || field.path.endsWith(`.${name}`)) ? field.rule : undefined;
}
