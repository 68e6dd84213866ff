// A number or domain as a form. Its webhook stands beside it, though it is stored in the service Async: that is written
// first, because a webhook without a number is never called, and a number without a webhook cannot answer.
import { useState } from "preact/hooks";
import { call, type ApiError } from "../api";
import { TextField } from "../ui/field";
import { documentOf, NO_CHANNEL, type Channel } from "./channel_fields";
import type { Kind } from "./numbers";
import type { Options } from "./section";
import { SectionForm } from "./section_form";
import { pathOf as servicePath } from "./service";

interface Props {
  tenant: string;
  kind: Kind;
  section: string | undefined; // undefined: a new number
  options: Options;
  suggestions: string[];
  channels: Channel[];
  onDone: (number: string) => void;
  onClose: () => void;
}

export function NumberForm({ tenant, kind, section, options, suggestions, channels, onDone, onClose }: Props) {
  const given = channels.find(({ channelId }) => channelId === options["channelId"]);
  const [webhook, setWebhook] = useState<Channel>(given ?? NO_CHANNEL);
  const [saved, setSaved] = useState("");
  const changed = webhook !== (given ?? NO_CHANNEL);

  async function saveWebhook(body: Options) {
    setSaved(body["channelId"] ?? "");
    if (!changed) return;
    const mine: Channel = { ...webhook, channelId: body["channelId"] ?? "" };
    const others = channels.filter(({ channelId }) => channelId !== options["channelId"]);
    const { data, ...secret } = documentOf([...others, mine]);
    await call("PUT", servicePath(tenant, "Async"), { tenant, body: { data, ...secret } });
  }
  return (
    <SectionForm
      title={`${section === undefined ? "Add an" : "Edit the"} ${kind.title}`}
      tenant={tenant}
      transaction="NexusServices"
      prefix={kind.prefix}
      name={section?.slice(kind.prefix.length)}
      options={options}
      fields={kind.fields(suggestions)}
      fixed={kind.fixed}
      more={(error) => <Webhook webhook={webhook} stored={given !== undefined} error={error} onWebhook={setWebhook} />}
      saveMore={saveWebhook}
      onDone={() => onDone(saved || (options["channelId"] ?? ""))}
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
  const keeps = stored ? " Empty: the stored one stays." : "";
  return (
    <details open={stored || webhook.url !== ""}>
      <summary>Webhook of your own gateway</summary>
      <TextField label="Webhook URL" placeholder="https://" hint="Called for each message that goes out." {...field("url", ".webhook.url")} />
      <TextField label="Webhook secret" type="password" hint={`Signs what Nexus sends.${keeps}`} {...field("webhookSecret", ".webhook.secret")} />
      <TextField label="API secret" type="password" hint={`What your gateway posts must be signed with it.${keeps}`} {...field("apiSecret", ".api.secret")} />
    </details>
  );
}
