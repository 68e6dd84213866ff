// Numbers for SMS and domains for e-mail: the sections chat.* and cxc.* of NexusServices; the headers of
// webhooks to a custom gateway; and the words for STOP, START and HELP.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useLoaded } from "../../load";
import type { Service, Services } from "../../openapi";
import { announce } from "../../ui/announce";
import { Confirm } from "../../ui/dialogs/confirm";
import { Panel } from "../../ui/panel";
import { Table } from "../../ui/lists/table";
import { channelsOf, type Channel } from "./channel_fields";
import { HeadersForm } from "./headers_form";
import { KeywordsForm } from "./keywords_form";
import { NumberForm } from "./number_form";
import { pathOf, type Field, type Options, type Sections } from "./section";
import { pathOf as servicePath } from "./service";

const PROVIDER: Field = {
  option: "provider",
  label: "Provider",
  kind: "choice",
  choices: [
    ["", "as set in the service"],
    ["Async", "your own gateway (Async)"],
  ],
};
const VALIDITY: Field = { option: "validity", label: "Valid for", hint: "How long Nexus tries to send a message, such as 24h. Empty means the default.", placeholder: "24h" };
const UNCERTAIN: Field = {
  option: "uncertain",
  label: "If it is unknown whether a message was sent",
  kind: "choice",
  choices: [
    ["", "the default"],
    ["resend", "send again (it may arrive twice)"],
    ["hold", "hold it until a person decides"],
  ],
};

// If there are endpoints, a number names one of them; otherwise it names the queue.
function endpointField(endpoints: string[]): Field {
  const frame = { option: "endpoint", label: "Endpoint", hint: "Where its conversations go." };
  if (endpoints.length === 0) return { ...frame, hint: "The queue of its conversations, or an endpoint's name once there are any.", placeholder: "chat.sales" };
  return { ...frame, kind: "choice", choices: [["", "none"], ...endpoints.map((name): [string, string] => [name, name])] };
}

export interface Kind {
  prefix: string;
  title: string;
  fields: (endpoints: string[]) => Field[];
  fixed: Options;
}

const KINDS: Record<"chat" | "cxc", Kind> = {
  chat: {
    prefix: "chat.",
    title: "SMS number",
    fields: (endpoints) => [
      { option: "channelId", label: "Number", hint: "With country code, such as 18445551212.", required: true },
      endpointField(endpoints),
      PROVIDER,
      { option: "country", label: "Country of a short code", hint: "Two letters, such as US. Needed if another contact center uses the same digits in another country." },
      { option: "cxcOnly", label: "Campaigns only", kind: "flag", hint: "Incoming messages start no conversation and reach no agent." },
      VALIDITY,
      UNCERTAIN,
      { option: "stopReply", label: "Reply to STOP", hint: "Empty: the default text, in the language of the keyword. N/A: no reply." },
      { option: "startReply", label: "Reply to START" },
      { option: "helpReply", label: "Reply to HELP" },
    ],
    fixed: { channelType: "sms", interactionSubtype: "SMS", interactionType: "Inbound", media: "chat" },
  },
  cxc: {
    prefix: "cxc.",
    title: "e-mail domain",
    fields: (endpoints) => [
      { option: "channelId", label: "Domain", required: true, placeholder: "mail.example.com" },
      endpointField(endpoints),
      PROVIDER,
      VALIDITY,
      UNCERTAIN,
    ],
    fixed: { channelType: "email" },
  },
};

interface Row {
  section: string;
  kind: Kind;
  options: Options;
}

type Open = { verb: "edit" | "remove"; row: Row } | { verb: "add"; kind: Kind } | { verb: "headers" | "keywords" } | undefined;

interface Read {
  services: Sections;
  endpoints: Sections;
  async: Service | undefined;
}

async function read(tenant: string): Promise<Read> {
  const [services, endpoints, set] = await Promise.all([
    call<Sections>("GET", pathOf(tenant, "NexusServices"), { tenant }),
    call<Sections>("GET", pathOf(tenant, "NexusEndpoints"), { tenant }),
    call<Services>("GET", servicePath(tenant), { tenant }),
  ]);
  return { services, endpoints, async: set.services.find(({ name }) => name === "Async") };
}

export function NumbersPanel({ tenant }: { tenant: string }) {
  const loaded = useLoaded(() => read(tenant), [tenant]);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const done = (text: string) => {
    close();
    announce(text);
    void loaded.again();
  };
  return (
    <Panel
      title="Numbers"
      purpose="Numbers for SMS, domains for e-mail, and where incoming messages go."
      loaded={loaded}
      action={
        <div class="actions">
          <button type="button" class="primary" onClick={() => setOpen({ verb: "add", kind: KINDS.chat })}>
            Add a number
          </button>
          <button type="button" onClick={() => setOpen({ verb: "add", kind: KINDS.cxc })}>
            Add a domain
          </button>
          <button type="button" onClick={() => setOpen({ verb: "headers" })}>
            Webhook headers
          </button>
          <button type="button" onClick={() => setOpen({ verb: "keywords" })}>
            Keywords
          </button>
        </div>
      }
    >
      {({ services, endpoints, async }) => {
        return (
          <>
            <List rows={rowsOf(services)} channels={channelsOf(async?.data)} onOpen={setOpen} />
            {(open?.verb === "add" || open?.verb === "edit") && (
              <NumberForm
                tenant={tenant}
                kind={open.verb === "add" ? open.kind : open.row.kind}
                section={open.verb === "edit" ? open.row.section : undefined}
                hasAsync={async !== undefined}
                number={open.verb === "edit" ? open.row.options["channelId"] : undefined}
                endpoints={named(endpoints, open.verb === "edit" ? open.row.options["endpoint"] : undefined)}
                onClose={close}
                onDone={(number) => done(`${number} saved.`)}
              />
            )}
            {open?.verb === "headers" && (
              <HeadersForm tenant={tenant} known={"Async" in services} onClose={close} onDone={() => done("The webhook headers are saved.")} />
            )}
            {open?.verb === "keywords" && (
              <KeywordsForm tenant={tenant} known={"Keywords" in services} onClose={close} onDone={() => done("The keywords are saved.")} />
            )}
            {open?.verb === "remove" && (
              <Confirm
                title={`Remove ${open.row.section}?`}
                verb="Remove"
                work={() => call("DELETE", pathOf(tenant, "NexusServices", open.row.section), { tenant })}
                onDone={() => done(`${open.row.options["channelId"] ?? open.row.section} removed.`)}
                onClose={close}
              >
                <p>
                  Messages to <strong>{open.row.options["channelId"]}</strong> are refused from now on. Waiting outbound messages are still sent.
                </p>
              </Confirm>
            )}
          </>
        );
      }}
    </Panel>
  );
}

// The choices: the endpoints, and the one that the number names now, as it is spelled there.
function named(endpoints: Sections, now: string | undefined): string[] {
  const names = Object.keys(endpoints).map((name) => (name.startsWith("chat.") ? name : `chat.${name}`));
  return names.length === 0 || !now || names.includes(now) ? names : [now, ...names];
}

function rowsOf(services: Sections): Row[] {
  return Object.entries(services).flatMap(([section, options]) => {
    const kind = Object.values(KINDS).find(({ prefix }) => section.startsWith(prefix));
    return kind ? [{ section, kind, options }] : [];
  });
}

function webhookOf(channels: Channel[], number: string | undefined): string | undefined {
  return channels.find(({ channelId }) => channelId === number)?.url;
}

function List({ rows, channels, onOpen }: { rows: Row[]; channels: Channel[]; onOpen: (open: Open) => void }) {
  return (
    <Table
      caption="Numbers and domains"
      rows={rows}
      name={(row) => row.section}
      empty="No numbers yet. Add the first one; then set up the services SMS and Async, or the aggregator's."
      columns={[
        {
          title: "Number",
          kind: "main",
          cell: (row) => row.options["channelId"] ?? "—",
          below: { title: "Section", cell: (row) => <code>{row.section}</code> },
        },
        { title: "Type", cell: (row) => <span class="nowrap">{row.options["channelType"] === "email" ? "E-mail" : "SMS"}</span> },
        { title: "Endpoint", kind: "free", cell: (row) => row.options["endpoint"] ?? "—" },
        { title: "Provider", cell: (row) => row.options["provider"] ?? "as set in the service" },
        { title: "Webhook", kind: "free", cell: (row) => <span class="url">{webhookOf(channels, row.options["channelId"]) ?? "—"}</span> },
        {
          title: "Actions",
          kind: "actions",
          cell: (row) => (
            <div class="actions" role="group" aria-label={`Actions on ${row.section}`}>
              <button type="button" onClick={() => onOpen({ verb: "edit", row })}>
                Edit
              </button>
              <button type="button" class="danger" onClick={() => onOpen({ verb: "remove", row })}>
                Remove
              </button>
            </div>
          ),
        },
      ]}
    />
  );
}
