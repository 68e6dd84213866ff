// The headers on every webhook to a custom gateway: options "header:<name>" of section Async of NexusServices.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useAction } from "../../ui/action";
import { Editing, stored, type Edited } from "../../ui/forms/editing";
import { Ending } from "../../ui/forms/ending";
import { Lines, linesOf, optionsOf } from "../../ui/forms/lines";
import { pathOf, type Options } from "./section";

const PREFIX = "header:";

interface Props {
  tenant: string;
  known: boolean; // the section is stored
  onDone: () => void;
  onClose: () => void;
}

export function HeadersForm(props: Props) {
  const path = pathOf(props.tenant, "NexusServices", "Async");
  return (
    <Editing title="Webhook headers" read={() => stored<Options>(props.known, path, props.tenant, {})} onClose={props.onClose}>
      {(edited) => <Headers {...props} path={path} edited={edited} />}
    </Editing>
  );
}

function Headers({ tenant, path, edited, onDone, onClose }: Props & { path: string; edited: Edited<Options> }) {
  const action = useAction();
  const entries = Object.entries(edited.data);
  const headers = entries.filter(([name]) => name.startsWith(PREFIX)).map(([name, value]) => [name.slice(PREFIX.length), value]);
  const rest = entries.filter(([name]) => !name.startsWith(PREFIX));
  const [lines, setLines] = useState(linesOf(Object.fromEntries(headers)));

  async function submit(event: Event) {
    event.preventDefault();
    const wanted = Object.entries(optionsOf(lines)).map(([name, value]) => [PREFIX + name, value]);
    const body: Options = Object.fromEntries([...rest, ...wanted]);
    const empty = Object.keys(body).length === 0;
    const replaces = edited.version;
    if (empty && replaces === null) return onDone();
    if (await action.run(() => (empty ? call("DELETE", path, { tenant, replaces }) : call("PUT", path, { tenant, body, replaces })))) onDone();
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <p class="hint">Sent on every webhook to your own gateway, beside the signatures. They are not secret.</p>
      <Lines lines={lines} onLines={setLines} placeholder="x-my-header" />
      <Ending action={action} verb="Save" reread={edited.reread} onClose={onClose} />
    </form>
  );
}
