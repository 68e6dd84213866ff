// Services: listing, setting up, editing and removing them.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useLoaded } from "../../load";
import type { Service, Services } from "../../openapi";
import { announce } from "../../ui/announce";
import { Confirm } from "../../ui/dialogs/confirm";
import { Panel } from "../../ui/panel";
import { Table } from "../../ui/lists/table";
import { KINDS, pathOf } from "./service";
import { ServiceForm } from "./service_form";

interface Row {
  name: string;
  purpose: string;
  service: Service | undefined; // undefined: not set up
}

export function ServicesPanel({ tenant }: { tenant: string }) {
  const loaded = useLoaded(() => call<Services>("GET", pathOf(tenant), { tenant }), [tenant]);
  const [open, setOpen] = useState<{ kind: "edit" | "remove"; name: string }>();
  const close = () => setOpen(undefined);
  const done = (text: string) => {
    close();
    announce(text);
    void loaded.again();
  };
  return (
    <Panel title="Services" purpose="The services that carry this contact center's messages. A change takes effect within a second." loaded={loaded}>
      {({ services }) => (
        <>
          <List rows={rowsOf(services)} onOpen={setOpen} />
          {open?.kind === "edit" && (
            <ServiceForm
              tenant={tenant}
              name={open.name}
              known={services.some((service) => service.name === open.name)}
              onClose={close}
              onDone={() => done(`${open.name} saved.`)}
            />
          )}
          {open?.kind === "remove" && (
            <Confirm
              title={`Remove ${open.name}?`}
              verb="Remove"
              work={() => call("DELETE", pathOf(tenant, open.name), { tenant })}
              onDone={() => done(`${open.name} removed.`)}
              onClose={close}
            >
              <p>Its secrets are deleted too. Messages that need this service wait or fail.</p>
            </Confirm>
          )}
        </>
      )}
    </Panel>
  );
}

function rowsOf(services: Service[]): Row[] {
  const find = (name: string) => services.find((service) => service.name === name);
  const unknown = services.filter((service) => !KINDS.some((kind) => kind.name === service.name));
  return [
    ...KINDS.map(({ name, purpose }) => ({ name, purpose, service: find(name) })),
    ...unknown.map((service) => ({ name: service.name, purpose: "", service })),
  ];
}

function List({ rows, onOpen }: { rows: Row[]; onOpen: (open: { kind: "edit" | "remove"; name: string }) => void }) {
  return (
    <Table
      caption="Services"
      rows={rows}
      name={(row) => row.name}
      empty=""
      columns={[
        {
          title: "Service",
          kind: "main",
          cell: ({ name }) => name,
          below: { title: "Purpose", cell: ({ purpose }) => purpose },
        },
        {
          title: "State",
          cell: ({ service }) => <span class={`state ${service ? "enabled" : "idle"}`}>{service ? "set up" : "not set up"}</span>,
        },
        { title: "URL", cell: ({ service }) => <span class="url">{service?.url ?? "—"}</span> },
        {
          title: "Actions",
          kind: "actions",
          cell: ({ name, service }) => (
            <div class="actions" role="group" aria-label={`Actions on ${name}`}>
              <button type="button" onClick={() => onOpen({ kind: "edit", name })}>
                {service ? "Edit" : "Set up"}
              </button>
              {service && (
                <button type="button" class="danger" onClick={() => onOpen({ kind: "remove", name })}>
                  Remove
                </button>
              )}
            </div>
          ),
        },
      ]}
    />
  );
}
