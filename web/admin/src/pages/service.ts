// The services a contact center can use, each with bodies to start from.

export interface Service {
  name: string;
  url: string | null;
  data: unknown;
  changed?: string;
}

interface Kind {
  name: string;
  purpose: string;
  starts: readonly { title: string; url: string; data: unknown; secret: unknown }[];
}

const start = (title: string, url: string, data: unknown = {}, secret: unknown = {}) => ({ title, url, data, secret });

export const KINDS: readonly Kind[] = [
  {
    name: "SMS",
    purpose: "Switches SMS on and says who carries it.",
    starts: [
      start("through the aggregator", "N/A", { tokenProvider: "Purecloud" }),
      start("through your own gateway", "N/A", { provider: "Async" }),
    ],
  },
  { name: "Email", purpose: "Switches outbound e-mail on.", starts: [start("through your own gateway", "N/A", { provider: "Async" })] },
  {
    name: "Async",
    purpose: "Your own gateway: where messages of each number are posted, and the secrets that sign them.",
    starts: [
      start(
        "one number",
        "",
        { channels: [{ channelId: "", webhook: { url: "https://" } }] },
        { channels: [{ channelId: "", webhook: { secret: "" }, api: { secret: "" } }] },
      ),
    ],
  },
  { name: "PorticoSMS", purpose: "The aggregator's API for SMS.", starts: [start("", "https://")] },
  { name: "PorticoEmail", purpose: "The aggregator's API for e-mail.", starts: [start("", "https://")] },
  {
    name: "PurecloudIDP",
    purpose: "The log-in at Genesys Cloud that the aggregator asks for.",
    starts: [start("", "https://", {}, { clientId: "", clientSecret: "" })],
  },
  { name: "PlatformUCS", purpose: "The store of contacts and history.", starts: [start("", "http://")] },
  { name: "Kaleyra", purpose: "SMS through Kaleyra.", starts: [start("", "https://")] },
  { name: "SparkPost", purpose: "E-mail through SparkPost.", starts: [start("", "https://")] },
  { name: "SMTP", purpose: "E-mail through a mail server.", starts: [start("", "smtp://")] },
];

export function pathOf(tenant: string, name?: string): string {
  return `/nexus/v3/provisioning/services/${tenant}${name ? `/${encodeURIComponent(name)}` : ""}`;
}

export function pretty(value: unknown): string {
  return JSON.stringify(value ?? {}, null, 2);
}
