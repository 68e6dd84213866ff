// The services a contact center can use, each with a document to start from.

interface Kind {
  name: string;
  purpose: string;
  start: { url: string; data: unknown; secret: unknown };
}

const kind = (name: string, purpose: string, url = "", data: unknown = {}): Kind => ({ name, purpose, start: { url, data, secret: {} } });

export const KINDS: readonly Kind[] = [
  kind("SMS", "Enables SMS and names its provider.", "N/A", { provider: "Async" }),
  kind("Email", "Enables outbound e-mail.", "N/A", { provider: "Async" }),
  kind("Async", "Your own gateway: where messages of each number are posted, and the secrets that sign them.", "", { channels: [] }),
  kind("PorticoSMS", "The aggregator's API for SMS."),
  kind("PorticoEmail", "The aggregator's API for e-mail."),
  kind("PurecloudIDP", "The login at Genesys Cloud that the aggregator requires."),
  kind("PlatformUCS", "The store of contacts and history."),
  kind("Kaleyra", "SMS through Kaleyra."),
  kind("SparkPost", "E-mail through SparkPost."),
  kind("SMTP", "E-mail through a mail server."),
];

export function pathOf(tenant: string, name?: string): string {
  return `/nexus/v3/provisioning/services/${tenant}${name ? `/${encodeURIComponent(name)}` : ""}`;
}

export function pretty(value: unknown): string {
  return JSON.stringify(value ?? {}, null, 2);
}
