// The messages of a contact center, the latest first. Texts and phone numbers are hidden, because administrators do not need them.
import { useState } from "preact/hooks";
import type { MessageSummary } from "../../openapi";
import { addressOf, useKept } from "../../place";
import { faultOf, SelectField, TextField } from "../../ui/forms/field";
import { Moment } from "../../ui/lists/moment";
import { usePages } from "../../ui/lists/pages";
import { Panel, ReadAgain } from "../../ui/panel";
import { Table } from "../../ui/lists/table";
import { lookOf, MESSAGE_STATES } from "./states";

type Filter = Record<"direction" | "state", string>;

const NO_FILTER: Filter = { direction: "", state: "" };
const PATH = "/nexus/v3/messages";

export function MessagesPanel({ tenant, conversation }: { tenant: string; conversation: string | undefined }) {
  const [filter, setFilter] = useKept(NO_FILTER);
  const [phone, seek] = useState("");
  const loaded = usePages<MessageSummary>(PATH, "messages", { tenant, query: { ...filter, phone, conversation } }, [tenant, conversation, filter, phone]);
  return (
    <Panel
      title={conversation ? "Messages of a conversation" : "Messages"}
      purpose="The latest first. Texts and phone numbers are hidden. Open a message to see what happened to it."
      loaded={loaded}
      action={<ReadAgain loaded={loaded} />}
      above={
        conversation ? (
          <p>
            <code>{conversation}</code> <a href={addressOf({ tenant, panel: "messages" })}>Show all messages</a>
          </p>
        ) : (
          <Search filter={filter} fault={faultOf(loaded.error, "phone")} onFilter={setFilter} onPhone={seek} />
        )
      }
    >
      {({ rows, next }) => (
        <>
          <MessageTable tenant={tenant} messages={rows} empty={next ? "No match so far. Older messages have not been searched yet." : "No messages."} />
          {next && (
            <button type="button" class="more" disabled={loaded.busy} onClick={loaded.more}>
              Show older messages
            </button>
          )}
        </>
      )}
    </Panel>
  );
}

interface SearchProps {
  filter: Filter;
  fault: string | undefined;
  onFilter: (filter: Filter) => void;
  onPhone: (phone: string) => void;
}

function Search({ filter, fault, onFilter, onPhone }: SearchProps) {
  const [phone, setPhone] = useState("");
  return (
    <form
      class="filter"
      onSubmit={(event) => {
        event.preventDefault();
        onPhone(phone.trim());
      }}
    >
      <TextField label="Phone number" type="search" placeholder="+15551230001" hint="Include the country code; press Enter to search." value={phone} fault={fault} onText={setPhone} />
      <SelectField
        label="Direction"
        value={filter.direction}
        choices={[
          ["", "both"],
          ["in", "from consumers"],
          ["out", "to consumers"],
        ]}
        onText={(direction) => onFilter({ ...filter, direction })}
      />
      <SelectField
        label="State"
        value={filter.state}
        choices={[["", "all"] as const, ...MESSAGE_STATES.map((state) => [state, state.replace("_", " ")] as const)]}
        onText={(state) => onFilter({ ...filter, state })}
      />
    </form>
  );
}

export function MessageTable({ tenant, messages, empty }: { tenant: string; messages: MessageSummary[]; empty: string }) {
  return (
    <Table
      caption="Messages"
      rows={messages}
      name={(message) => message.id}
      empty={empty}
      columns={[
        {
          title: "Message",
          kind: "main",
          cell: (message) => (
            <a href={addressOf({ tenant, panel: "message", about: message.id })} title="What happened to it">
              <code>{message.id}</code>
            </a>
          ),
        },
        { title: "When", cell: (message) => <Moment time={message.created} seconds /> },
        { title: "Direction", cell: (message) => <>{message.direction === "in" ? "from" : "to"} <span class="nowrap">{message.phone}</span></> },
        { title: "Number", kind: "free", cell: (message) => <>{message.channel} <span class="nowrap">({message.number})</span></> },
        { title: "State", cell: (message) => <span class={`state ${lookOf(message.state)}`}>{message.state.replace("_", " ")}</span> },
        {
          title: "Conversation",
          cell: (message) =>
            message.conversation ? <a href={addressOf({ tenant, panel: "messages", about: message.conversation })}>show</a> : "—",
        },
      ]}
    />
  );
}
