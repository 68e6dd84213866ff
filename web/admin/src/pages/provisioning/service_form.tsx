// A service as a form, made from its schema, or as JSON, for documents that the form cannot show and for pasting. Stored secrets are
// never shown: their fields start empty, and a field that is left empty keeps the stored secret.
import { useState } from "preact/hooks";
import { call, type ApiError } from "../../api";
import type { Service } from "../../openapi";
import { useAction } from "../../ui/action";
import { Editing, stored } from "../../ui/forms/editing";
import { Ending } from "../../ui/forms/ending";
import { jsonFault, JsonField, TextField } from "../../ui/forms/field";
import { filledIn, fits, schemas, type Schema, type Value } from "../../ui/forms/schema";
import { SchemaFields } from "../../ui/forms/schema_fields";
import { ChannelFields, channelsOf, documentOf, NO_CHANNEL } from "./channel_fields";
import { KINDS, pathOf, pretty } from "./service";

interface Props {
  tenant: string;
  name: string;
  known: boolean; // it is set up
  onDone: () => void;
  onClose: () => void;
}

interface Draft {
  url: string;
  data: unknown;
  secret: unknown; // undefined: the stored one stays
}

export function ServiceForm(props: Props) {
  const { tenant, name, known, onClose } = props;
  async function read() {
    const [all, service] = await Promise.all([schemas(), stored<Service | undefined>(known, pathOf(tenant, name), tenant, undefined)]);
    return { version: service.version, data: { schema: all[`service.${name}`], service: service.data } };
  }
  return (
    <Editing title={known ? `Edit ${name}` : `Set up ${name}`} read={read} onClose={onClose} wide>
      {({ data, version, reread }) => <Editor {...props} {...data} version={version} reread={reread} />}
    </Editing>
  );
}

interface Opened extends Props {
  service: Service | undefined; // undefined: not set up
  version: string | null;
  reread: () => void;
}

function Editor({ schema, ...props }: Opened & { schema: Schema | undefined }) {
  const start = props.service
    ? { url: props.service.url ?? "", data: props.service.data, secret: undefined }
    : (KINDS.find((kind) => kind.name === props.name)?.start ?? { url: "", data: {}, secret: {} });
  const [draft, setDraft] = useState<Draft>(start);
  const canForm = schema !== undefined && fits(schema.properties?.["data"] ?? { type: "object" }, draft.data ?? {});
  const [asJson, setAsJson] = useState(!canForm);
  const Mode = asJson || !schema ? JsonMode : props.name === "Async" ? ChannelsMode : FieldsMode;
  return (
    <>
      {schema && (
        <div class="actions">
          <button type="button" aria-pressed={asJson} disabled={asJson && !canForm} onClick={() => setAsJson(!asJson)}>
            {asJson ? "Edit as a form" : "Edit as JSON"}
          </button>
        </div>
      )}
      <Mode {...props} schema={schema ?? {}} draft={draft} onDraft={setDraft} />
    </>
  );
}

interface ModeProps extends Opened {
  schema: Schema;
  draft: Draft;
  onDraft: (draft: Draft) => void;
}

function useSave({ tenant, name, version, onDone }: Opened) {
  const action = useAction();
  const save = async (draft: Draft) => {
    const { url, data, secret } = draft;
    const body = { ...(url ? { url } : {}), data: data ?? {}, ...(secret === undefined ? {} : { secret }) };
    if (await action.run(() => call("PUT", pathOf(tenant, name), { tenant, body, replaces: version }))) onDone();
  };
  return { action, save };
}

function Url({ schema, draft, onDraft, error }: { schema: Schema; draft: Draft; onDraft: (draft: Draft) => void; error: ApiError | undefined }) {
  const required = schema.required?.includes("url") ?? false;
  if (!required && (draft.url === "" || draft.url === "N/A")) return null; // it is never used
  return (
    <TextField
      label="URL"
      hint={schema.properties?.["url"]?.description}
      required={required}
      value={draft.url}
      onText={(url) => onDraft({ ...draft, url })}
      fault={under(error, "url")}
    />
  );
}

function FieldsMode(props: ModeProps) {
  const { schema, draft, onDraft, service, onClose } = props;
  const { action, save } = useSave(props);
  const part = (name: "data" | "secret") => {
    const inside = schema.properties?.[name];
    return (
      inside && (
        <SchemaFields
          schema={inside}
          path={name}
          value={(draft[name] ?? {}) as Value}
          error={action.error}
          stored={service !== undefined}
          onValue={(value) => onDraft({ ...draft, [name]: value })}
        />
      )
    );
  };
  function submit(event: Event) {
    event.preventDefault();
    const secret = filledIn((draft.secret ?? {}) as Value);
    void save({ url: draft.url, data: filledIn((draft.data ?? {}) as Value), secret });
  }
  return (
    <form onSubmit={submit}>
      <Url schema={schema} draft={draft} onDraft={onDraft} error={action.error} />
      {part("data")}
      {part("secret")}
      <Ending action={action} verb="Save" reread={props.reread} onClose={onClose} />
    </form>
  );
}

function ChannelsMode(props: ModeProps) {
  const { draft, onDraft, service, onClose } = props;
  const { action, save } = useSave(props);
  const [channels, setChannels] = useState(() => {
    const found = channelsOf(draft.data);
    return found.length ? found : [NO_CHANNEL];
  });
  function submit(event: Event) {
    event.preventDefault();
    void save({ secret: undefined, ...documentOf(channels), url: draft.url });
  }
  return (
    <form onSubmit={submit}>
      <ChannelFields
        channels={channels}
        stored={service !== undefined}
        error={action.error}
        onChannels={(changed) => {
          setChannels(changed);
          onDraft({ secret: undefined, ...documentOf(changed), url: draft.url });
        }}
      />
      <Ending action={action} verb="Save" reread={props.reread} onClose={onClose} />
    </form>
  );
}

function JsonMode(props: ModeProps) {
  const { draft, onDraft, service, schema, onClose } = props;
  const { action, save } = useSave(props);
  const [data, setData] = useState(pretty(draft.data));
  const [secret, setSecret] = useState(service && draft.secret === undefined ? "" : pretty(draft.secret));
  const broken = jsonFault(data) ?? jsonFault(secret);
  const parsedSecret = () => (secret.trim() === "" ? undefined : parsed(secret));
  function change(text: string, part: "data" | "secret") {
    (part === "data" ? setData : setSecret)(text);
    if (!jsonFault(text)) onDraft({ ...draft, [part]: part === "secret" && text.trim() === "" ? undefined : parsed(text) });
  }
  function submit(event: Event) {
    event.preventDefault();
    void save({ url: draft.url, data: parsed(data), secret: service ? parsedSecret() : (parsedSecret() ?? {}) });
  }
  return (
    <form onSubmit={submit}>
      <TextField
        label="URL"
        hint={schema.properties?.["url"]?.description}
        value={draft.url}
        onText={(url) => onDraft({ ...draft, url })}
        fault={under(action.error, "url")}
      />
      <JsonField label="Data" value={data} onText={(text) => change(text, "data")} fault={under(action.error, "data")} />
      <JsonField
        label="Secret"
        hint={service ? "Stored secrets are never shown. Leave empty to keep them." : "Stored encrypted, never shown again."}
        value={secret}
        onText={(text) => change(text, "secret")}
        fault={under(action.error, "secret")}
      />
      <Ending action={action} verb="Save" blocked={broken !== undefined} reread={props.reread} onClose={onClose} />
    </form>
  );
}

function parsed(text: string): unknown {
  return text.trim() === "" ? {} : JSON.parse(text);
}

// The server's error for this part of the body, with the rest of the path.
function under(error: ApiError | undefined, part: string): string | undefined {
  const field = error?.field;
  if (!field || !(field.path === part || field.path.startsWith(`${part}.`) || field.path.startsWith(`${part}[`))) return undefined;
  return field.path === part ? field.rule : `${field.path.slice(part.length).replace(/^\./, "")}: ${field.rule}`;
}
