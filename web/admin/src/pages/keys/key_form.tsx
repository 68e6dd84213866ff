// Creating a key. Its permissions cannot be changed later.
import { useState } from "preact/hooks";
import { ApiError, call, freshName } from "../../api";
import type { Apikey } from "../../openapi";
import { useAction } from "../../ui/action";
import { Dialog } from "../../ui/dialogs/dialog";
import { Ending } from "../../ui/forms/ending";
import { CheckField, faultOf, TextField } from "../../ui/forms/field";
import { localText } from "../../ui/lists/moment";
import { PATH, PERMISSIONS } from "./key";

export interface Draft {
  name: string;
  tenant: string;
  permissions: string[];
  expires: string; // as the input has it; empty: never
  capacity: string;
  frequency: string;
}

interface Props {
  draft: Draft;
  mayCluster: boolean;
  onMade: (key: Apikey) => void;
  onClose: () => void;
}

export function KeyForm({ draft, mayCluster, onMade, onClose }: Props) {
  const action = useAction();
  const [form, change] = useState(draft);
  const [missing, setMissing] = useState(false);
  // The same for every try of this dialog: pressing twice, or again after a lost answer, creates one key.
  const [attempt] = useState(freshName);
  const set = (part: Partial<Draft>) => change({ ...form, ...part });
  const toggle = (permission: string, on: boolean) =>
    set({ permissions: on ? [...form.permissions, permission] : form.permissions.filter((one) => one !== permission) });

  async function submit(event: Event) {
    event.preventDefault();
    setMissing(form.permissions.length === 0);
    if (form.permissions.length === 0) return;
    let made: Apikey | undefined;
    await action.run(async () => {
      made = await create(form, attempt);
    });
    if (made) onMade(made);
  }

  const offered = PERMISSIONS.filter(([name]) => mayCluster || name !== "nexus:cluster:*" || form.permissions.includes(name));
  return (
    <Dialog title={form.tenant === "*" ? "Create a cluster key" : "Create a key"} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <TextField label="Name" required value={form.name} onText={(name) => set({ name })} fault={faultOf(action.error, "name")} />
        <fieldset>
          <legend>Permissions</legend>
          {offered.map(([name, use]) => (
            <CheckField
              key={name}
              label={use}
              hint={<code>{name}</code>}
              checked={form.permissions.includes(name)}
              onCheck={(on) => toggle(name, on)}
            />
          ))}
          {missing && <p class="fault" role="alert">Choose at least one.</p>}
          <p class="hint">They cannot be changed later.</p>
        </fieldset>
        <TextField
          label="Expires"
          type="datetime-local"
          hint="In your local time. Empty means never."
          value={form.expires}
          onText={(expires) => set({ expires })}
          fault={faultOf(action.error, "expires")}
        />
        <div class="pair">
          <TextField
            label="Requests"
            type="number"
            min={0}
            hint="0 means unlimited."
            required
            value={form.capacity}
            onText={(capacity) => set({ capacity })}
            fault={faultOf(action.error, "capacity")}
          />
          <TextField
            label="within seconds"
            type="number"
            min={1}
            required
            value={form.frequency}
            onText={(frequency) => set({ frequency })}
            fault={faultOf(action.error, "frequency")}
          />
        </div>
        <Ending action={action} verb="Create" onClose={onClose} />
      </form>
    </Dialog>
  );
}

async function create(form: Draft, attempt: string): Promise<Apikey> {
  if (form.expires && form.expires <= localText(new Date())) throw new ApiError(400, "expires: this is in the past", undefined, undefined);
  return call<Apikey>("POST", PATH, {
    repeatable: attempt,
    body: {
      name: form.name,
      tenant: form.tenant,
      permissions: form.permissions,
      enabled: true,
      capacity: Number(form.capacity),
      frequency: Number(form.frequency),
      ...(form.expires ? { expires: new Date(form.expires).toISOString() } : {}),
    },
  });
}
