// Endpoints: where the new conversations of a number go. They are the sections of NexusEndpoints.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useLoaded } from "../../load";
import { announce } from "../../ui/announce";
import { Confirm } from "../../ui/dialogs/confirm";
import { Panel } from "../../ui/panel";
import { Table } from "../../ui/lists/table";
import { pathOf, type Field, type Options, type Sections } from "./section";
import { SectionForm } from "./section_form";

const FIELDS: readonly Field[] = [
  { option: "queue", label: "Queue", hint: "Where its conversations wait for an agent." },
  { option: "bot", label: "Bot", kind: "url", hint: "URL of the bot that writes first.", placeholder: "https://" },
  { option: "greeting", label: "Greeting", hint: "The first text a consumer gets." },
  { option: "capacity", label: "Capacity", hint: "Conversations an agent has at once." },
  { option: "businessHours", label: "Business hours" },
  { option: "lastAgent", label: "Prefer the last agent", kind: "flag", hint: "The agent who last served this consumer gets the conversation first." },
];

interface Row {
  name: string;
  options: Options;
}

type Open = { verb: "add" } | { verb: "edit" | "remove"; row: Row } | undefined;

export function EndpointsPanel({ tenant }: { tenant: string }) {
  const loaded = useLoaded(() => call<Sections>("GET", pathOf(tenant, "NexusEndpoints"), { tenant }), [tenant]);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const done = (text: string) => {
    close();
    announce(text);
    void loaded.again();
  };
  return (
    <Panel
      title="Endpoints"
      purpose="Where incoming conversations go."
      loaded={loaded}
      action={
        <button type="button" class="primary" onClick={() => setOpen({ verb: "add" })}>
          Add an endpoint
        </button>
      }
    >
      {(sections) => (
        <>
          <List rows={Object.entries(sections).map(([name, options]) => ({ name, options }))} onOpen={setOpen} />
          {(open?.verb === "add" || open?.verb === "edit") && (
            <SectionForm
              title={open.verb === "add" ? "Add an endpoint" : `Edit ${open.row.name}`}
              tenant={tenant}
              transaction="NexusEndpoints"
              prefix=""
              name={open.verb === "add" ? undefined : open.row.name}
              fields={FIELDS}
              fixed={{}}
              onDone={(name) => done(`The endpoint ${name} is saved.`)}
              onClose={close}
            />
          )}
          {open?.verb === "remove" && (
            <Confirm
              title={`Remove the endpoint ${open.row.name}?`}
              verb="Remove"
              work={() => call("DELETE", pathOf(tenant, "NexusEndpoints", open.row.name), { tenant })}
              onDone={() => done(`The endpoint ${open.row.name} is removed.`)}
              onClose={close}
            >
              <p>An endpoint that a number names cannot be removed, unless it is the last one. Without endpoints, conversations wait in the queue that their number names.</p>
            </Confirm>
          )}
        </>
      )}
    </Panel>
  );
}

function List({ rows, onOpen }: { rows: Row[]; onOpen: (open: Open) => void }) {
  return (
    <Table
      caption="Endpoints"
      rows={rows}
      name={(row) => row.name}
      empty="No endpoints yet. Conversations wait in the queue that their number names."
      columns={[
        { title: "Name", kind: "main", cell: (row) => row.name },
        { title: "Queue", kind: "free", cell: (row) => row.options["queue"] ?? "—" },
        { title: "Bot", kind: "free", cell: (row) => <span class="url">{row.options["bot"] ?? "—"}</span> },
        { title: "Greeting", kind: "free", cell: (row) => row.options["greeting"] ?? "—" },
        {
          title: "Actions",
          kind: "actions",
          cell: (row) => (
            <div class="actions" role="group" aria-label={`Actions on ${row.name}`}>
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
