// Numbers for SMS and domains for e-mail: the sections chat.* and cxc.* of NexusServices; the headers that a custom
// gateway wants on its webhooks; and the words that mean STOP, START and HELP.
import { useState } from "preact/hooks";
import { call } from "../api";
import { useLoaded } from "../load";
import { announce } from "../ui/announce";
import { Confirm } from "../ui/confirm";
import { Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { channelsOf, type Channel } from "./channel_fields";
import { HeadersForm } from "./headers_form";
import { KeywordsForm } from "./keywords_form";
import { NumberForm } from "./number_form";
import { pathOf, type Field, type Options, type Sections } from "./section";
import { pathOf as servicePath, type Service } from "./service";

const PROVIDER: Field = {
  option: "provider",
  label: "Carried by",
  kind: "choice",
  choices: [
    ["", "as the service says"],
    ["Async", "your own gateway (Async)"],
  ],
};
const VALIDITY: Field = { option: "validity", label: "Valid for", hint: "How long sending is tried, such as 24h. Empty: the default.", placeholder: "24h" };
const UNCERTAIN: Field = {
  option: "uncertain",
  label: "When nobody knows whether it was sent",
  kind: "choice",
  choices: [
    ["", "the default"],
    ["resend", "send again (it may arrive twice)"],
    ["hold", "hold it and ask a person"],
  ],
};

// Once there are endpoints, a number names one of them; before that, what it names is the queue itself.
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
      { option: "country", label: "Country of a short code", hint: "Two letters, such as US; where another contact center has the same digits elsewhere." },
      { option: "cxcOnly", label: "Campaigns only", kind: "flag", hint: "What comes in becomes no conversation and reaches no agent." },
      VALIDITY,
      UNCERTAIN,
      { option: "stopReply", label: "Answer to STOP", hint: "Empty: ours, in the language of the word. N/A: none." },
      { option: "startReply", label: "Answer to START" },
      { option: "helpReply", label: "Answer to HELP" },
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
    call<{ services: Service[] }>("GET", servicePath(tenant), { tenant }),
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
      purpose="Numbers for SMS and domains for e-mail, and where what comes in goes."
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
                  Messages to <strong>{open.row.options["channelId"]}</strong> are refused from now on. Answers that wait are still sent.
                </p>
              </Confirm>
            )}
          </>
        );
      }}
    </Panel>
  );
}

// What can be chosen: the endpoints, and what the number names now, in its own spelling.
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
        { title: "Carried by", cell: (row) => row.options["provider"] ?? "as the service says" },
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
