// Contact centers: those the caller may see, choosing one, provisioning one.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useLoaded } from "../../load";
import type { Session, Tenant, TenantKey, Tenants } from "../../openapi";
import { addressOf, useKept } from "../../place";
import { useAction } from "../../ui/action";
import { announce } from "../../ui/announce";
import { More } from "../../ui/lists/more";
import { CopyOnce } from "../../ui/dialogs/copy_once";
import { Editing, stored, type Edited } from "../../ui/forms/editing";
import { Ending } from "../../ui/forms/ending";
import { faultOf, TextField } from "../../ui/forms/field";
import { Moment } from "../../ui/lists/moment";
import { Panel } from "../../ui/panel";
import { Table, type Order } from "../../ui/lists/table";

const PATH = "/nexus/v3/provisioning/tenants";
const PAGE = 100;
const WHOLE_KEY = 36; // a key that is not new is shown by its first characters only

export function TenantsPanel({ session }: { session: Session }) {
  const [count, setCount] = useState(PAGE);
  const loaded = useLoaded(() => call<Tenants>("GET", PATH, { query: { count } }), [count]);
  const [sought, seek] = useState("");
  const [order, setOrder] = useKept({ sort: "", order: "" });
  const [open, setOpen] = useState<{ id: string | undefined }>();
  const [key, setKey] = useState<string>();
  return (
    <Panel
      title={session.ccid ? "Contact center" : "Contact centers"}
      purpose={session.ccid ? "Your contact center." : "Choose the contact center to work on."}
      loaded={loaded}
      action={
        session.ccid && loaded.data?.tenants.length ? undefined : (
          <button type="button" class="primary" onClick={() => setOpen({ id: undefined })}>
            Provision
          </button>
        )
      }
    >
      {({ tenants, total }) => (
        <>
          {tenants.length > 8 && (
            <TextField label="Search" type="search" placeholder="Name or id" value={sought} onText={seek} />
          )}
          <List tenants={tenants.filter((tenant) => matches(tenant, sought))} onOpen={(id) => setOpen({ id })} order={tenants.length < total ? undefined : order} onOrder={setOrder} />
          <More shown={tenants.length} total={total} busy={loaded.busy} onMore={() => setCount(count + PAGE)} />
          {open && (
            <Provision
              session={session}
              id={open.id}
              onClose={() => setOpen(undefined)}
              onDone={(name, xapikey) => {
                setOpen(undefined);
                if (xapikey.length === WHOLE_KEY) setKey(xapikey);
                announce(`${name} is provisioned.`);
                void loaded.again();
              }}
            />
          )}
          {key && <CopyOnce title="The contact center's key for chat" secret={key} onClose={() => setKey(undefined)} />}
        </>
      )}
    </Panel>
  );
}

function matches(tenant: Tenant, sought: string): boolean {
  const words = sought.trim().toLowerCase();
  return tenant.id.startsWith(words) || (tenant.name ?? "").toLowerCase().includes(words);
}

interface ListProps {
  tenants: Tenant[];
  onOpen: (id: string) => void;
  order: Order | undefined;
  onOrder: (order: Order) => void;
}

function List({ tenants, onOpen, order, onOrder }: ListProps) {
  return (
    <Table
      caption="Contact centers"
      rows={tenants}
      name={(tenant) => tenant.id}
      empty="No contact centers."
      order={order}
      onOrder={onOrder}
      columns={[
        {
          title: "Name",
          kind: "main",
          value: ({ name }) => name,
          cell: (tenant) => (
            <a href={addressOf({ tenant: tenant.id, panel: "overview" })}>{tenant.name ?? <em>not yet provisioned</em>}</a>
          ),
        },
        { title: "Id", cell: (tenant) => <code>{tenant.id}</code> },
        { title: "Type", value: ({ type }) => type, cell: (tenant) => tenant.type ?? "—" },
        { title: "Provisioned", value: ({ provisioned }) => provisioned, cell: (tenant) => <Moment time={tenant.provisioned} /> },
        {
          title: "Actions",
          kind: "actions",
          cell: (tenant) => (
            <div class="actions" role="group" aria-label={`Actions on ${tenant.name ?? tenant.id}`}>
              <button type="button" onClick={() => onOpen(tenant.id)}>
                {tenant.provisioned ? "Edit" : "Set up"}
              </button>
            </div>
          ),
        },
      ]}
    />
  );
}

interface ProvisionProps {
  session: Session;
  id: string | undefined; // undefined: a new one
  onClose: () => void;
  onDone: (name: string, xapikey: string) => void;
}

const NO_TENANT: Tenant = { id: "", name: null, type: null, backendurl: null, username: null, genesystemenantid: null, created: "", provisioned: null };

function Provision(props: ProvisionProps) {
  const id = props.id ?? props.session.ccid ?? "";
  const known = props.id !== undefined;
  const read = () => stored<Tenant>(known, `${PATH}/${id}`, undefined, { ...NO_TENANT, id });
  return (
    <Editing title={known ? "Edit the contact center" : "Provision a contact center"} read={read} onClose={props.onClose}>
      {(edited) => <Form {...props} edited={edited} />}
    </Editing>
  );
}

function Form({ id, edited, onClose, onDone }: ProvisionProps & { edited: Edited<Tenant> }) {
  const action = useAction();
  const was = edited.data;
  const there = was.provisioned !== null;
  const [form, change] = useState({
    id: was.id,
    name: was.name ?? "",
    type: was.type ?? "PureEngage",
    backendurl: was.backendurl ?? "",
    username: was.username ?? "",
    token: "",
    genesystemenantid: String(was.genesystemenantid ?? 1),
  });
  const field = (name: keyof typeof form) => ({
    value: form[name],
    onText: (text: string) => change({ ...form, [name]: text }),
    fault: faultOf(action.error, name),
  });
  async function submit(event: Event) {
    event.preventDefault();
    let xapikey = "";
    const { genesystemenantid, token, ...rest } = form;
    const worked = await action.run(async () => {
      const body = { ...rest, ...(token ? { token } : {}), genesystemenantid: Number(genesystemenantid) };
      const replaces = there && id !== undefined ? edited.version : null;
      xapikey = (await call<TenantKey>("POST", PATH, { body, replaces })).xapikey;
    });
    if (worked) onDone(form.name, xapikey);
  }
  return (
    <form onSubmit={(event) => void submit(event)}>
      <TextField label="Contact center id" hint="The id in Genesys Web Services." required disabled={id !== undefined} {...field("id")} />
      <TextField label="Name" required {...field("name")} />
      <TextField label="Type" required {...field("type")} />
      <TextField label="Backend URL" type="url" hint="The address of Genesys Web Services." required {...field("backendurl")} />
      <TextField label="User name" required {...field("username")} />
      <TextField
        label="Password"
        type="password"
        hint={there ? "Leave empty to keep the stored one." : "Stored encrypted, never shown."}
        required={!there}
        {...field("token")}
      />
      <TextField label="Genesys tenant id" type="number" min={1} required {...field("genesystemenantid")} />
      <Ending action={action} verb={there ? "Save" : "Provision"} reread={edited.reread} onClose={onClose} />
    </form>
  );
}
