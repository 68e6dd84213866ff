// The conversations of a contact center: who waits, who is served, who was.
import { useState } from "preact/hooks";
import { call } from "../api";
import { useLoaded } from "../load";
import { addressOf } from "../place";
import { faultOf, SelectField, TextField } from "../ui/field";
import { Moment } from "../ui/moment";
import { Panel, ReadAgain } from "../ui/panel";
import { Table } from "../ui/table";

interface Conversation {
  id: string;
  state: "waiting" | "active" | "held" | "done";
  queue: string | null;
  agent: string | null;
  channel: { type: string; address: string };
  contact: { id: string; address: string };
  lastSequence: number;
  waitingSince: string;
  lastActivity: string;
}

interface Filter {
  address: string;
  state: string;
}

const PAGE = 100;
const LOOKS = { waiting: "expired", active: "enabled", held: "expired", done: "idle" } as const;

export function ConversationsPanel({ tenant }: { tenant: string }) {
  const [filter, setFilter] = useState<Filter>({ address: "", state: "" });
  const loaded = useLoaded(
    () =>
      call<{ conversations: Conversation[] }>("GET", "/chat/v3/conversations", { tenant, query: { ...filter, count: PAGE } }),
    [tenant, filter],
  );
  return (
    <Panel
      title="Conversations"
      purpose="Those that wait come first."
      loaded={loaded}
      action={<ReadAgain loaded={loaded} />}
      above={<Search filter={filter} fault={faultOf(loaded.error, "address")} onFilter={setFilter} />}
    >
      {({ conversations }) => (
        <>
          <List tenant={tenant} conversations={conversations} />
          {conversations.length === PAGE && <p class="faint">These are the first {PAGE}. Search by phone number or state for others.</p>}
        </>
      )}
    </Panel>
  );
}

function Search({ filter, fault, onFilter }: { filter: Filter; fault: string | undefined; onFilter: (filter: Filter) => void }) {
  const [address, setAddress] = useState(filter.address);
  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault();
        onFilter({ ...filter, address: address.trim() });
      }}
    >
      <TextField label="Phone number" type="search" placeholder="+15551230001" hint="With its country code. Enter searches." value={address} fault={fault} onText={setAddress} />
      <SelectField
        label="State"
        value={filter.state}
        choices={[
          ["", "not done"],
          ["waiting", "waiting"],
          ["active", "active"],
          ["held", "held"],
          ["done", "done"],
        ]}
        onText={(state) => onFilter({ ...filter, state })}
      />
    </form>
  );
}

function List({ tenant, conversations }: { tenant: string; conversations: Conversation[] }) {
  return (
    <Table
      caption="Conversations"
      rows={conversations}
      name={(conversation) => conversation.id}
      empty="None."
      columns={[
        {
          title: "Consumer",
          kind: "main",
          cell: (conversation) => (
            <a href={addressOf({ tenant, panel: "messages", about: conversation.id })} title="Its messages">
              {conversation.contact.address}
            </a>
          ),
        },
        { title: "Number", cell: (conversation) => conversation.channel.address },
        {
          title: "State",
          cell: ({ state }) => <span class={`state ${LOOKS[state]}`}>{state}</span>,
        },
        { title: "Queue", kind: "free", cell: (conversation) => conversation.queue || "—" },
        { title: "Agent", kind: "free", cell: (conversation) => conversation.agent ?? "—" },
        { title: "Messages", kind: "number", cell: (conversation) => conversation.lastSequence },
        { title: "Waiting since", cell: ({ state, waitingSince }) => (state === "waiting" ? <Moment time={waitingSince} /> : "—") },
        { title: "Last activity", cell: (conversation) => <Moment time={conversation.lastActivity} /> },
      ]}
    />
  );
}
