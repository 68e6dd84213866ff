// A service as its URL and two JSON objects. What is secret goes one way only: its field starts empty where there is
// a secret already, and left so changes none.
import { useState } from "preact/hooks";
import { call, type ApiError } from "../api";
import { useAction } from "../ui/action";
import { Dialog } from "../ui/dialog";
import { Ending } from "../ui/ending";
import { jsonFault, JsonField, TextField } from "../ui/field";
import { KINDS, pathOf, pretty, type Service } from "./service";

interface Props {
  tenant: string;
  name: string;
  service: Service | undefined;
  onDone: () => void;
  onClose: () => void;
}

export function ServiceForm({ tenant, name, service, onDone, onClose }: Props) {
  const action = useAction();
  const starts = KINDS.find((kind) => kind.name === name)?.starts ?? [];
  const first = starts[0];
  const [url, setUrl] = useState(service ? (service.url ?? "") : (first?.url ?? ""));
  const [data, setData] = useState(pretty(service ? service.data : first?.data));
  const [secret, setSecret] = useState(service ? "" : pretty(first?.secret));
  const broken = jsonFault(data) ?? jsonFault(secret);
  const keeps = service !== undefined && secret.trim() === "";

  async function submit(event: Event) {
    event.preventDefault();
    const worked = await action.run(() => {
      const body = { ...(url ? { url } : {}), data: parsed(data), ...(keeps ? {} : { secret: parsed(secret) }) };
      return call("PUT", pathOf(tenant, name), { tenant, body });
    });
    if (worked) onDone();
  }
  return (
    <Dialog title={service ? `Edit ${name}` : `Set up ${name}`} onClose={onClose} wide>
      <form onSubmit={(event) => void submit(event)}>
        {starts.length > 1 && (
          <div class="actions" role="group" aria-label="Start from">
            {starts.map((start) => (
              <button
                key={start.title}
                type="button"
                onClick={() => {
                  setUrl(start.url);
                  setData(pretty(start.data));
                  setSecret(pretty(start.secret));
                }}
              >
                {start.title}
              </button>
            ))}
          </div>
        )}
        <TextField label="URL" value={url} onText={setUrl} fault={under(action.error, "url")} />
        <JsonField label="Data" value={data} onText={setData} fault={under(action.error, "data")} />
        <JsonField
          label="Secret"
          hint={service ? "Stored secrets are never shown. Empty: they stay as they are." : "Stored encrypted, never shown again."}
          value={secret}
          onText={setSecret}
          fault={under(action.error, "secret")}
        />
        <Ending action={action} verb="Save" blocked={broken !== undefined} onClose={onClose} />
      </form>
    </Dialog>
  );
}

function parsed(text: string): unknown {
  return text.trim() === "" ? {} : JSON.parse(text);
}

// What the server said about this part of the body, with the rest of the path.
function under(error: ApiError | undefined, part: string): string | undefined {
  const field = error?.field;
  if (!field || !(field.path === part || field.path.startsWith(`${part}.`) || field.path.startsWith(`${part}[`))) return undefined;
  return field.path === part ? field.rule : `${field.path.slice(part.length).replace(/^\./, "")}: ${field.rule}`;
}
