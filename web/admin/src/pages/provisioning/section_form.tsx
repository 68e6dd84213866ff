// One section of a transaction as a form: its name, a field for each known option, and a line for each other option. The
// caller may add fields between them, which are saved first.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { call, type ApiError } from "../../api";
import { useAction } from "../../ui/action";
import { Editing, stored, type Edited } from "../../ui/forms/editing";
import { Ending } from "../../ui/forms/ending";
import { CheckField, faultOf, SelectField, TextField } from "../../ui/forms/field";
import { Lines, linesOf, optionsOf } from "../../ui/forms/lines";
import { filled, NAME_RULE, others, pathOf, type Field, type Options, type Transaction } from "./section";

interface Props {
  title: string;
  tenant: string;
  transaction: Transaction;
  prefix: string; // in front of the name: "chat."
  name: string | undefined; // undefined: a new one
  fields: readonly Field[];
  fixed: Options; // options that always have these values
  more?: (error: ApiError | undefined) => ComponentChildren;
  blocked?: boolean; // the caller's fields cannot be saved yet
  saveMore?: (options: Options) => Promise<unknown>;
  rereadMore?: () => void;
  onDone: (name: string) => void;
  onClose: () => void;
}

export function SectionForm(props: Props) {
  const { title, tenant, transaction, prefix, name, onClose } = props;
  const read = () => stored<Options>(name !== undefined, pathOf(tenant, transaction, prefix + (name ?? "")), tenant, {});
  return (
    <Editing title={title} read={read} onClose={onClose}>
      {(edited) => <Fields {...props} edited={edited} />}
    </Editing>
  );
}

function Fields({ tenant, transaction, prefix, fields, fixed, more, blocked = false, saveMore, rereadMore, edited, onDone, onClose, ...given }: Props & { edited: Edited<Options> }) {
  const action = useAction();
  const [name, setName] = useState(given.name ?? "");
  const [options, change] = useState(edited.data);
  const [lines, setLines] = useState(linesOf(others(edited.data, fields, fixed)));

  async function submit(event: Event) {
    event.preventDefault();
    const body = filled({ ...known(options, fields), ...fixed, ...optionsOf(lines) });
    const worked = await action.run(async () => {
      await saveMore?.(body);
      await call("PUT", pathOf(tenant, transaction, prefix + name), { tenant, body, replaces: edited.version });
    });
    if (worked) onDone(name);
  }
  function reread() {
    rereadMore?.();
    edited.reread();
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <TextField
        label="Name"
        hint={given.name === undefined ? "Letters, digits, _ and -." : undefined}
        required
        pattern={NAME_RULE}
        title="Letters, digits, _ and -, beginning with a letter"
        disabled={given.name !== undefined}
        value={name}
        fault={faultOf(action.error, "section")}
        onText={setName}
      />
      {fields.map((field) => (
        <Control
          key={field.option}
          field={field}
          value={options[field.option] ?? ""}
          fault={faultOf(action.error, field.option)}
          onText={(text) => change({ ...options, [field.option]: text })}
        />
      ))}
      {more?.(action.error)}
      <details open={lines.length > 0}>
        <summary>Other options</summary>
        <Lines lines={lines} onLines={setLines} />
      </details>
      <Ending action={action} verb="Save" blocked={blocked} reread={reread} onClose={onClose} />
    </form>
  );
}

function known(options: Options, fields: readonly Field[]): Options {
  return Object.fromEntries(fields.map((field) => [field.option, options[field.option] ?? ""]));
}

interface ControlProps {
  field: Field;
  value: string;
  fault: string | undefined;
  onText: (text: string) => void;
}

function Control({ field, value, fault, onText }: ControlProps) {
  const { option: _, kind = "text", choices = [], ...frame } = field;
  if (kind === "choice") return <SelectField {...frame} choices={choices} value={value} fault={fault} onText={onText} />;
  if (kind === "flag")
    return <CheckField {...frame} checked={value === "true"} fault={fault} onCheck={(on) => onText(on ? "true" : "")} />;
  return <TextField {...frame} type={kind} value={value} fault={fault} onText={onText} />;
}
