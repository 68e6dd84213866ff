// The service Async as a list of numbers, each with its webhook and the secrets for signing. The stored document has two lists, one
// under "data" and one under "secret", whose entries belong together by channelId.
import type { ApiError } from "../../api";
import type { ServiceAsync } from "../../openapi";
import { TextField } from "../../ui/forms/field";

export interface Channel {
  channelId: string;
  url: string;
  webhookSecret: string; // empty: the stored one stays
  apiSecret: string;
}

export const NO_CHANNEL: Channel = { channelId: "", url: "", webhookSecret: "", apiSecret: "" };

export function channelsOf(data: unknown): Channel[] {
  return ((data as Partial<ServiceAsync["data"]> | undefined)?.channels ?? []).map(({ channelId, webhook }) => ({
    ...NO_CHANNEL,
    channelId,
    url: webhook?.url ?? "",
  }));
}

function secretsOf({ channelId, webhookSecret, apiSecret }: Channel) {
  return {
    channelId,
    ...(webhookSecret ? { webhook: { secret: webhookSecret } } : {}),
    ...(apiSecret ? { api: { secret: apiSecret } } : {}),
  };
}

const hasSecret = (channel: Channel) => channel.webhookSecret !== "" || channel.apiSecret !== "";

export function documentOf(channels: Channel[]) {
  const secrets = channels.filter(hasSecret).map(secretsOf);
  return {
    data: { channels: channels.map(({ channelId, url }) => ({ channelId, webhook: { url } })) },
    ...(secrets.length ? { secret: { channels: secrets } } : {}),
  };
}

// The server's error for this field of the channel at this place of the list.
function faultAt(error: ApiError | undefined, channels: Channel[], place: number, part: "data" | "secret", name: string) {
  const field = error?.field;
  const channel = channels[place];
  if (!field || !channel) return undefined;
  const listed = part === "data" ? place : hasSecret(channel) ? channels.filter(hasSecret).indexOf(channel) : -1;
  return field.path === `${part}.channels[${listed}].${name}` ? field.rule : undefined;
}

interface Props {
  channels: Channel[];
  stored: boolean;
  error: ApiError | undefined;
  onChannels: (channels: Channel[]) => void;
}

export function ChannelFields({ channels, stored, error, onChannels }: Props) {
  const keeps = stored ? " Leave empty to keep the stored one." : "";
  return (
    <>
      {channels.map((channel, i) => {
        const field = (name: keyof Channel, part: "data" | "secret", path: string) => ({
          value: channel[name],
          fault: faultAt(error, channels, i, part, path),
          onText: (text: string) => onChannels(channels.map((one, place) => (place === i ? { ...one, [name]: text } : one))),
        });
        return (
          <fieldset class="group" key={i}>
            <legend>{channel.channelId || `Number ${i + 1}`}</legend>
            <TextField label="Number or mail domain" required {...field("channelId", "data", "channelId")} />
            <TextField
              label="Webhook URL"
              hint="Called for each message that is sent from this number."
              placeholder="https://"
              required
              {...field("url", "data", "webhook.url")}
            />
            <div class="pair">
              <TextField
                label="Webhook secret"
                type="password"
                hint={`Signs what Nexus sends.${keeps}`}
                {...field("webhookSecret", "secret", "webhook.secret")}
              />
              <TextField
                label="API secret"
                type="password"
                hint={`Verifies what your gateway sends.${keeps}`}
                {...field("apiSecret", "secret", "api.secret")}
              />
            </div>
            <button type="button" onClick={() => onChannels(channels.filter((_, place) => place !== i))}>
              Remove {channel.channelId || `number ${i + 1}`}
            </button>
          </fieldset>
        );
      })}
      <button type="button" onClick={() => onChannels([...channels, NO_CHANNEL])}>
        Add a number
      </button>
    </>
  );
}
