// The conversations of a contact center.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useLoaded } from "../../load";
import type { Conversation, Conversations } from "../../openapi";
import { addressOf, useKept } from "../../place";
import { faultOf, SelectField, TextField } from "../../ui/forms/field";
import { Moment } from "../../ui/lists/moment";
import { Panel, ReadAgain } from "../../ui/panel";
import { Table, type Order } from "../../ui/lists/table";

const PAGE = 100;
const LOOKS = { waiting: "expired", active: "enabled", held: "expired", done: "idle" } as const;

export function ConversationsPanel({ tenant }: { tenant: string }) {
  const [kept, keep] = useKept({ state: "", sort: "", order: "" });
  const [address, seek] = useState("");
  const loaded = useLoaded(
    () =>
      call<Conversations>("GET", "/chat/v3/conversations", { tenant, query: { address, state: kept.state, count: PAGE } }),
    [tenant, address, kept.state],
  );
  return (
    <Panel
      title="Conversations"
      purpose="Waiting conversations come first."
      loaded={loaded}
      action={<ReadAgain loaded={loaded} />}
      above={<Search state={kept.state} fault={faultOf(loaded.error, "address")} onAddress={seek} onState={(state) => keep({ ...kept, state })} />}
    >
      {({ conversations }) => (
        <>
          <List
            tenant={tenant}
            conversations={conversations}
            order={conversations.length < PAGE ? kept : undefined}
            onOrder={(order) => keep({ ...kept, ...order })}
          />
          {conversations.length === PAGE && <p class="faint">Only the first {PAGE} are shown. Search by phone number or state to find others.</p>}
        </>
      )}
    </Panel>
  );
}

interface SearchProps {
  state: string;
  fault: string | undefined;
  onAddress: (address: string) => void;
  onState: (state: string) => void;
}

function Search({ state, fault, onAddress, onState }: SearchProps) {
  const [address, setAddress] = useState("");
  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault();
        onAddress(address.trim());
      }}
    >
      <TextField label="Phone number" type="search" placeholder="+15551230001" hint="Include the country code; press Enter to search." value={address} fault={fault} onText={setAddress} />
      <SelectField
        label="State"
        value={state}
        choices={[
          ["", "not done"],
          ["waiting", "waiting"],
          ["active", "active"],
          ["held", "held"],
          ["done", "done"],
        ]}
        onText={onState}
      />
    </form>
  );
}

interface ListProps {
  tenant: string;
  conversations: Conversation[];
  order: Order | undefined;
  onOrder: (order: Order) => void;
}

function List({ tenant, conversations, order, onOrder }: ListProps) {
  return (
    <Table
      caption="Conversations"
      rows={conversations}
      name={(conversation) => conversation.id}
      empty="No conversations."
      order={order}
      onOrder={onOrder}
      columns={[
        {
          title: "Consumer",
          kind: "main",
          cell: (conversation) => (
            <a href={addressOf({ tenant, panel: "messages", about: conversation.id })} title="Show its messages">
              {conversation.contact.address}
            </a>
          ),
          below: { title: "Number", value: ({ channel }) => channel.address, cell: ({ channel }) => channel.address },
        },
        {
          title: "State",
          value: ({ state }) => state,
          cell: ({ state }) => <span class={`state ${LOOKS[state]}`}>{state}</span>,
          below: {
            title: "Waiting since",
            value: ({ state, waitingSince }) => (state === "waiting" ? waitingSince : null),
            cell: ({ state, waitingSince }) => (state === "waiting" ? <Moment time={waitingSince} /> : "—"),
          },
        },
        {
          title: "Queue",
          kind: "free",
          value: ({ queue }) => queue,
          cell: ({ queue }) => queue || "—",
          below: { title: "Agent", value: ({ agent }) => agent, cell: ({ agent }) => agent ?? "—" },
        },
        { title: "Messages", kind: "number", value: ({ lastSequence }) => lastSequence, cell: ({ lastSequence }) => lastSequence },
        { title: "Last activity", value: ({ lastActivity }) => lastActivity, cell: ({ lastActivity }) => <Moment time={lastActivity} /> },
      ]}
    />
  );
}
