// The headers on every webhook to a custom gateway: options "header:<name>" of section Async of NexusServices.
import { useState } from "preact/hooks";
import { call } from "../api";
import { useAction } from "../ui/action";
import { Dialog } from "../ui/dialog";
import { Ending } from "../ui/ending";
import { Lines, linesOf, optionsOf } from "../ui/lines";
import { pathOf, type Options } from "./section";

const PREFIX = "header:";

interface Props {
  tenant: string;
  options: Options;
  onDone: () => void;
  onClose: () => void;
}

export function HeadersForm({ tenant, options, onDone, onClose }: Props) {
  const action = useAction();
  const entries = Object.entries(options);
  const headers = entries.filter(([name]) => name.startsWith(PREFIX)).map(([name, value]) => [name.slice(PREFIX.length), value]);
  const rest = entries.filter(([name]) => !name.startsWith(PREFIX));
  const [lines, setLines] = useState(linesOf(Object.fromEntries(headers)));

  async function submit(event: Event) {
    event.preventDefault();
    const wanted = Object.entries(optionsOf(lines)).map(([name, value]) => [PREFIX + name, value]);
    const body: Options = Object.fromEntries([...rest, ...wanted]);
    const path = pathOf(tenant, "NexusServices", "Async");
    const empty = Object.keys(body).length === 0;
    if (empty && entries.length === 0) return onDone();
    if (await action.run(() => (empty ? call("DELETE", path, { tenant }) : call("PUT", path, { tenant, body })))) onDone();
  }
  return (
    <Dialog title="Webhook headers" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <p class="hint">Sent on every webhook to your own gateway, beside the signatures. They are not secret.</p>
        <Lines lines={lines} onLines={setLines} placeholder="x-my-header" />
        <Ending action={action} verb="Save" onClose={onClose} />
      </form>
    </Dialog>
  );
}
