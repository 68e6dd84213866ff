// The words of a contact center that mean STOP, START or HELP beside ours: section Keywords of NexusServices. Its schema
// says which there are and what may stand in them.
import { useState } from "preact/hooks";
import { call, type ApiError } from "../api";
import { useAction } from "../ui/action";
import { Editing, stored, type Edited } from "../ui/editing";
import { Ending } from "../ui/ending";
import { TextField } from "../ui/field";
import { schemas, type Schema } from "../ui/schema";
import { words } from "../ui/schema_fields";
import { filled, pathOf, type Options } from "./section";

interface Props {
  tenant: string;
  known: boolean; // there are some
  onDone: () => void;
  onClose: () => void;
}

interface Read {
  schema: Schema | undefined;
  options: Options;
}

export function KeywordsForm(props: Props) {
  const { tenant, known, onClose } = props;
  const path = pathOf(tenant, "NexusServices", "Keywords");
  async function read() {
    const [all, section] = await Promise.all([schemas(), stored<Options>(known, path, tenant, {})]);
    return { version: section.version, data: { schema: all["section.NexusServices.Keywords"], options: section.data } };
  }
  return (
    <Editing title="Keywords" read={read} onClose={onClose}>
      {(edited) => <Words {...props} path={path} edited={edited} />}
    </Editing>
  );
}

function Words({ tenant, path, edited, onDone, onClose }: Props & { path: string; edited: Edited<Read> }) {
  const action = useAction();
  const [options, change] = useState(edited.data.options);
  const replaces = edited.version;

  async function submit(event: Event) {
    event.preventDefault();
    const body = filled(options);
    const empty = Object.keys(body).length === 0;
    if (empty && replaces === null) return onDone();
    if (await action.run(() => (empty ? call("DELETE", path, { tenant, replaces }) : call("PUT", path, { tenant, body, replaces })))) onDone();
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <p class="hint">
        Words of this contact center by which people stop, resume and ask for help. STOP, START, HELP and the other words that
        Nexus knows count without being named here.
      </p>
      {Object.entries(edited.data.schema?.properties ?? {}).map(([name, { description }]) => (
        <TextField
          key={name}
          label={`${words(name)} words`}
          hint={description}
          value={options[name] ?? ""}
          fault={faultsOf(action.error)[name]}
          onText={(text) => change({ ...options, [name]: text })}
        />
      ))}
      <Ending action={action} verb="Save" reread={edited.reread} onClose={onClose} />
    </form>
  );
}

// "Keywords.help: word 1 …; Keywords.stop: word 2 …" says something about each of two fields, and may say more of one.
function faultsOf(error: ApiError | undefined): Options {
  const faults: Options = {};
  for (const part of error?.detail.split("; ") ?? []) {
    const [, name, rule] = /^(?:\w+\.)*(\w+): (.+)$/s.exec(part) ?? [];
    if (name && rule) faults[name] = faults[name] ? `${faults[name]}; ${rule}` : rule;
  }
  return faults;
}
