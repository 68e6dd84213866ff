// A number or domain as a form. The form also edits the number's webhook, which is stored in the service Async. The webhook is
// written first: a webhook without a number is never called, but a number without a webhook cannot send messages.
import { useRef, useState } from "preact/hooks";
import { versioned, type ApiError } from "../../api";
import { useLoaded } from "../../load";
import type { Service } from "../../openapi";
import { stored } from "../../ui/forms/editing";
import { TextField } from "../../ui/forms/field";
import { Refusal } from "../../ui/refusal";
import { channelsOf, documentOf, NO_CHANNEL, type Channel } from "./channel_fields";
import type { Kind } from "./numbers";
import type { Options } from "./section";
import { SectionForm } from "./section_form";
import { pathOf as servicePath } from "./service";

interface Props {
  tenant: string;
  kind: Kind;
  section: string | undefined; // undefined: a new number
  number: string | undefined; // as it is stored
  endpoints: string[];
  hasAsync: boolean; // the service Async is set up
  onDone: (number: string) => void;
  onClose: () => void;
}

export function NumberForm({ tenant, kind, section, number, endpoints, hasAsync, onDone, onClose }: Props) {
  const path = servicePath(tenant, "Async");
  const service = useLoaded(() => stored<Pick<Service, "data">>(hasAsync, path, tenant, { data: {} }), [tenant]);
  const [typed, setTyped] = useState<Channel>(); // undefined: as it is stored
  const own = useRef<string | null>(null); // the version that this form stored
  const [saved, setSaved] = useState("");
  const channels = channelsOf(service.data?.data.data);
  const given = number === undefined ? undefined : channels.find(({ channelId }) => channelId === number);

  // A number that is changed takes its webhook along. Its secrets are stored under the old number and cannot be read, so the server
  // refuses the new one until they are typed again.
  async function saveWebhook(body: Options) {
    const channelId = body["channelId"] ?? "";
    setSaved(channelId);
    const webhook = typed ?? (channelId === number ? undefined : given);
    if (!webhook || !service.data) return;
    const mine: Channel = { ...webhook, channelId };
    const others = channels.filter(({ channelId }) => channelId !== number && channelId !== mine.channelId);
    const replaces = own.current ?? service.data.version;
    own.current = (await versioned("PUT", path, { tenant, body: documentOf([...others, mine]), replaces })).version;
  }
  function reread() {
    own.current = null;
    setTyped(undefined);
    void service.again();
  }
  return (
    <SectionForm
      title={`${section === undefined ? "Add an" : "Edit the"} ${kind.title}`}
      tenant={tenant}
      transaction="NexusServices"
      prefix={kind.prefix}
      name={section?.slice(kind.prefix.length)}
      fields={kind.fields(endpoints)}
      fixed={kind.fixed}
      more={(error) => (
        <>
          <Refusal error={service.error} again={() => void service.again()} />
          {service.data && <Webhook webhook={typed ?? given ?? NO_CHANNEL} stored={given !== undefined} error={error} onWebhook={setTyped} />}
        </>
      )}
      blocked={service.busy || !service.data}
      saveMore={saveWebhook}
      rereadMore={reread}
      onDone={() => onDone(saved || (number ?? ""))}
      onClose={onClose}
    />
  );
}

interface WebhookProps {
  webhook: Channel;
  stored: boolean;
  error: ApiError | undefined;
  onWebhook: (webhook: Channel) => void;
}

function Webhook({ webhook, stored, error, onWebhook }: WebhookProps) {
  const path = error?.field?.path ?? "";
  const field = (name: "url" | "webhookSecret" | "apiSecret", suffix: string) => ({
    value: webhook[name],
    fault: path.endsWith(suffix) ? error?.field?.rule : undefined,
    onText: (text: string) => onWebhook({ ...webhook, [name]: text }),
  });
  const keeps = stored ? " Leave empty to keep the stored one; a changed number needs it again." : "";
  return (
    <details open={stored || webhook.url !== ""}>
      <summary>Webhook of your own gateway</summary>
      <TextField label="Webhook URL" placeholder="https://" hint="Called for each message that is sent." {...field("url", ".webhook.url")} />
      <TextField label="Webhook secret" type="password" hint={`Signs what Nexus sends.${keeps}`} {...field("webhookSecret", ".webhook.secret")} />
      <TextField label="API secret" type="password" hint={`Verifies what your gateway sends.${keeps}`} {...field("apiSecret", ".api.secret")} />
    </details>
  );
}
