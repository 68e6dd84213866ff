// A contact center's own words for STOP, START and HELP: section Keywords of NexusServices. Its schema names the options and their
// rules.
import { useState } from "preact/hooks";
import { call, type ApiError } from "../../api";
import { useAction } from "../../ui/action";
import { Editing, stored, type Edited } from "../../ui/forms/editing";
import { Ending } from "../../ui/forms/ending";
import { TextField } from "../../ui/forms/field";
import { schemas, type Schema } from "../../ui/forms/schema";
import { words } from "../../ui/forms/schema_fields";
import { filled, pathOf, type Options } from "./section";

interface Props {
  tenant: string;
  known: boolean; // the section is stored
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
        More words with which consumers of this contact center stop messages, resume them or ask for help. STOP, START, HELP and
        the other words that Nexus knows always work.
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

// "Keywords.help: word 1 …; Keywords.stop: word 2 …" has the errors of two fields; one field may have several.
function faultsOf(error: ApiError | undefined): Options {
  const faults: Options = {};
  for (const part of error?.detail.split("; ") ?? []) {
    const [, name, rule] = /^(?:\w+\.)*(\w+): (.+)$/s.exec(part) ?? [];
    if (name && rule) faults[name] = faults[name] ? `${faults[name]}; ${rule}` : rule;
  }
  return faults;
}
