// API keys: listing, creating, disabling, enabling and deleting them, and changing their expiry.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useLoaded } from "../../load";
import type { Apikey, Apikeys, Session } from "../../openapi";
import { useKept } from "../../place";
import { useAction } from "../../ui/action";
import { announce } from "../../ui/announce";
import { ownerColumn } from "../../ui/lists/center";
import { Confirm } from "../../ui/dialogs/confirm";
import { CopyOnce } from "../../ui/dialogs/copy_once";
import { More } from "../../ui/lists/more";
import { Moment } from "../../ui/lists/moment";
import { Panel } from "../../ui/panel";
import { Refusal } from "../../ui/refusal";
import { Table, type Order } from "../../ui/lists/table";
import { nextName, PATH, stateOf } from "./key";
import { KeyForm, type Draft } from "./key_form";
import { KeyExpiry } from "./key_expiry";

const PAGE = 100;

type Open = { kind: "form"; draft: Draft } | { kind: "made"; key: Apikey } | { kind: "expiry" | "delete"; key: Apikey } | undefined;

export function KeysPanel({ session, tenant }: { session: Session; tenant: string | null }) {
  const [open, setOpen] = useState<Open>();
  const [count, setCount] = useState(PAGE);
  const [order, setOrder] = useKept({ sort: "", order: "" });
  const loaded = useLoaded(
    () => call<Apikeys>("GET", PATH, { query: { count, tenant: tenant ?? undefined } }),
    [tenant, count],
  );
  const close = () => setOpen(undefined);
  const done = (text: string) => {
    close();
    announce(text);
    void loaded.again();
  };
  const blank: Draft = { name: "", tenant: tenant ?? "*", permissions: [], expires: "", capacity: "120", frequency: "60" };
  return (
    <Panel
      title="API keys"
      purpose={tenant ? "Keys that may call the API for this contact center." : "All keys. A cluster key is valid for every contact center."}
      loaded={loaded}
      action={
        <button type="button" class="primary" onClick={() => setOpen({ kind: "form", draft: blank })}>
          {tenant ? "Create a key" : "Create a cluster key"}
        </button>
      }
    >
      {({ keys, total }) => (
        <>
          <List keys={keys} everyTenant={!tenant} onOpen={setOpen} onChanged={() => void loaded.again()} order={keys.length < total ? undefined : order} onOrder={setOrder} />
          <More shown={keys.length} total={total} busy={loaded.busy} onMore={() => setCount(count + PAGE)} />
          {open?.kind === "form" && (
            <KeyForm
              draft={open.draft}
              mayCluster={!session.ccid}
              onClose={close}
              onMade={(key) => {
                setOpen({ kind: "made", key });
                void loaded.again();
              }}
            />
          )}
          {open?.kind === "made" && <CopyOnce title={`Key “${open.key.name}”`} secret={open.key.id} onClose={close} />}
          {open?.kind === "expiry" && <KeyExpiry key={open.key.id} of={open.key} onClose={close} onDone={() => done(`The expiry of the key ${open.key.name} is changed.`)} />}
          {open?.kind === "delete" && (
            <Confirm
              title={`Delete the key “${open.key.name}”?`}
              verb="Delete"
              work={() => call("DELETE", `${PATH}/${open.key.id}`)}
              onDone={() => done(`The key ${open.key.name} is deleted.`)}
              onClose={close}
            >
              <p>
                Calls with <code>{open.key.id}…</code> are refused from now on. This cannot be undone.
              </p>
            </Confirm>
          )}
        </>
      )}
    </Panel>
  );
}

interface ListProps {
  keys: Apikey[];
  everyTenant: boolean;
  onOpen: (open: Open) => void;
  onChanged: () => void;
  order: Order | undefined;
  onOrder: (order: Order) => void;
}

const OWNER = ownerColumn<Apikey>("keys", ({ tenant }) => tenant, "every");

function List({ keys, everyTenant, onOpen, onChanged, order, onOrder }: ListProps) {
  return (
    <Table
      caption="API keys"
      rows={keys}
      name={(key) => key.id}
      empty="No keys yet. A website, a bot or an aggregator needs a key to call the API."
      order={order}
      onOrder={onOrder}
      columns={[
        {
          title: "Name",
          kind: "main",
          value: (key) => key.name,
          cell: (key) => key.name,
          below: { title: "Begins with", cell: (key) => <code>{key.id}…</code> },
        },
        ...(everyTenant ? [OWNER] : []),
        {
          title: "Permissions",
          kind: "free",
          cell: (key) => key.permissions.map((permission) => <Permission key={permission} name={permission} />),
          below: { title: "Rate", cell: (key) => (key.capacity === 0 ? "unlimited" : `${key.capacity} in ${key.frequency} s`) },
        },
        {
          title: "State",
          value: stateOf,
          cell: (key) => <span class={`state ${stateOf(key)}`}>{stateOf(key)}</span>,
          below: { title: "Expires", value: (key) => key.expires || null, cell: (key) => (key.expires ? <Moment time={key.expires} day /> : "never") },
        },
        {
          title: "Created",
          kind: "free",
          value: (key) => key.created,
          cell: (key) => <Moment time={key.created} day />,
          below: { title: "By", cell: (key) => key.createdby },
        },
        { title: "Actions", kind: "actions", cell: (key) => <Actions of={key} onOpen={onOpen} onChanged={onChanged} /> },
      ]}
    />
  );
}

// A line may break after each colon.
function Permission({ name }: { name: string }) {
  return (
    <code class="tag">
      {name.split(/(?<=:)/).map((part) => (
        <>
          {part}
          <wbr />
        </>
      ))}
    </code>
  );
}

function Actions({ of, onOpen, onChanged }: { of: Apikey; onOpen: (open: Open) => void; onChanged: () => void }) {
  const action = useAction();
  async function toggle() {
    const worked = await action.run(() => call("PUT", `${PATH}/${of.id}`, { body: { enabled: !of.enabled } }));
    if (worked) announce(`The key ${of.name} is ${of.enabled ? "disabled" : "enabled"}.`);
    if (worked) onChanged();
  }
  const draft: Draft = {
    name: nextName(of.name),
    tenant: of.tenant,
    permissions: of.permissions,
    expires: "",
    capacity: String(of.capacity),
    frequency: String(of.frequency),
  };
  if (of.revoked) return null;
  return (
    <>
      <div class="actions" role="group" aria-label={`Actions on ${of.name}`}>
        <button type="button" aria-disabled={action.busy} onClick={() => void toggle()}>
          {of.enabled ? "Disable" : "Enable"}
        </button>
        <button type="button" onClick={() => onOpen({ kind: "expiry", key: of })}>
          Expiry
        </button>
        <button type="button" onClick={() => onOpen({ kind: "form", draft })}>
          Duplicate
        </button>
        <button type="button" class="danger" onClick={() => onOpen({ kind: "delete", key: of })}>
          Delete
        </button>
      </div>
      <Refusal error={action.error} />
    </>
  );
}
