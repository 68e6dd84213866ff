// Contact centers: those the caller may see, choosing one, provisioning one.
import { useState } from "preact/hooks";
import { call } from "../api";
import { useLoaded } from "../load";
import { addressOf } from "../place";
import type { Session } from "../session";
import { useAction } from "../ui/action";
import { announce } from "../ui/announce";
import { More } from "../ui/more";
import { CopyOnce } from "../ui/copy_once";
import { Dialog } from "../ui/dialog";
import { Ending } from "../ui/ending";
import { faultOf, TextField } from "../ui/field";
import { Moment } from "../ui/moment";
import { Panel } from "../ui/panel";
import { Table } from "../ui/table";

export interface Tenant {
  id: string;
  name: string | null; // null: named by a key or a service, not yet provisioned
  type: string | null;
  backendurl: string | null;
  provisioned: string | null;
}

const PATH = "/nexus/v3/provisioning/tenants";
const PAGE = 100;

export function TenantsPanel({ session }: { session: Session }) {
  const [count, setCount] = useState(PAGE);
  const loaded = useLoaded(() => call<{ tenants: Tenant[]; total: number }>("GET", PATH, { query: { count } }), [count]);
  const [sought, seek] = useState("");
  const [adding, setAdding] = useState(false);
  const [key, setKey] = useState<string>();
  return (
    <Panel
      title={session.ccid ? "Contact center" : "Contact centers"}
      purpose={session.ccid ? "Yours. Provisioning it again changes what is said here." : "Choose the one to work on."}
      loaded={loaded}
      action={
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          Provision
        </button>
      }
    >
      {({ tenants, total }) => (
        <>
          {tenants.length > 8 && (
            <TextField label="Search" type="search" placeholder="Name or id" value={sought} onText={seek} />
          )}
          <List tenants={tenants.filter((tenant) => matches(tenant, sought))} />
          <More shown={tenants.length} total={total} busy={loaded.busy} onMore={() => setCount(count + PAGE)} />
          {adding && (
            <Provision
              session={session}
              onClose={() => setAdding(false)}
              onDone={(xapikey) => {
                setAdding(false);
                setKey(xapikey);
                announce("Contact center provisioned.");
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

function List({ tenants }: { tenants: Tenant[] }) {
  return (
    <Table
      caption="Contact centers"
      rows={tenants}
      name={(tenant) => tenant.id}
      empty="None."
      columns={[
        {
          title: "Name",
          kind: "main",
          cell: (tenant) => (
            <a href={addressOf({ tenant: tenant.id, panel: "overview" })}>{tenant.name ?? <em>not yet provisioned</em>}</a>
          ),
        },
        { title: "Id", cell: (tenant) => <code>{tenant.id}</code> },
        { title: "Type", cell: (tenant) => tenant.type ?? "—" },
        { title: "Provisioned", cell: (tenant) => <Moment time={tenant.provisioned} /> },
      ]}
    />
  );
}

interface ProvisionProps {
  session: Session;
  onClose: () => void;
  onDone: (xapikey: string) => void;
}

function Provision({ session, onClose, onDone }: ProvisionProps) {
  const action = useAction();
  const [form, change] = useState({
    id: session.ccid ?? "",
    name: "",
    type: "PureEngage",
    backendurl: "",
    username: "",
    token: "",
    genesystemenantid: "1",
  });
  const field = (name: keyof typeof form) => ({
    value: form[name],
    onText: (text: string) => change({ ...form, [name]: text }),
    fault: faultOf(action.error, name),
  });
  async function submit(event: Event) {
    event.preventDefault();
    let xapikey = "";
    const { genesystemenantid, ...rest } = form;
    const worked = await action.run(async () => {
      const body = { ...rest, genesystemenantid: Number(genesystemenantid) };
      xapikey = (await call<{ xapikey: string }>("POST", PATH, { body })).xapikey;
    });
    if (worked) onDone(xapikey);
  }
  return (
    <Dialog title="Provision a contact center" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <TextField label="Contact center id" hint="As Genesys Web Services knows it." required {...field("id")} />
        <TextField label="Name" required {...field("name")} />
        <TextField label="Type" required {...field("type")} />
        <TextField label="Backend URL" type="url" hint="Of Genesys Web Services." required {...field("backendurl")} />
        <TextField label="User name" required {...field("username")} />
        <TextField label="Password" type="password" hint="Stored encrypted, never shown." required {...field("token")} />
        <TextField label="Genesys tenant id" type="number" min={1} required {...field("genesystemenantid")} />
        <Ending action={action} verb="Provision" onClose={onClose} />
      </form>
    </Dialog>
  );
}
