// The audit log: who changed what, the latest first.
import { useState } from "preact/hooks";
import type { AuditChange } from "../../openapi";
import { useKept } from "../../place";
import { useAction } from "../../ui/action";
import { announce } from "../../ui/announce";
import { ownerColumn } from "../../ui/lists/center";
import { TextField } from "../../ui/forms/field";
import { Moment } from "../../ui/lists/moment";
import { More } from "../../ui/lists/more";
import { readPages, usePages } from "../../ui/lists/pages";
import { Panel, ReadAgain } from "../../ui/panel";
import { Refusal } from "../../ui/refusal";
import { Table } from "../../ui/lists/table";
import { csvOf, save } from "../../ui/save";

// from, to: as the inputs have them
type Filter = Record<"actor" | "object" | "action" | "from" | "to", string>;

const PATH = "/nexus/v3/audit";
const NO_FILTER: Filter = { actor: "", object: "", action: "", from: "", to: "" };
const PAGE = 100;
const EXPORTED = { pages: 50, count: 1000 }; // the most that one file contains

function queryOf(filter: Filter, count: number) {
  const time = (text: string) => (text ? new Date(text).toISOString() : "");
  return { ...filter, from: time(filter.from), to: time(filter.to), count };
}

export function AuditPanel({ tenant }: { tenant: string | null }) {
  const [filter, setFilter] = useKept(NO_FILTER);
  const of = tenant ?? undefined;
  const loaded = usePages<AuditChange>(PATH, "changes", { tenant: of, query: queryOf(filter, PAGE) }, [tenant, filter]);
  return (
    <Panel
      title="Audit log"
      purpose="Who changed what, the latest first. Entries are never changed. They name the fields that changed, not their values."
      loaded={loaded}
      action={
        <div class="actions">
          <ReadAgain loaded={loaded} />
          <Export tenant={of} filter={filter} />
        </div>
      }
      above={<Search filter={filter} rows={loaded.data?.rows ?? []} onFilter={setFilter} />}
    >
      {({ rows, next }) => (
        <>
          <List rows={rows} everyTenant={!tenant} />
          {next && <More shown={rows.length} busy={loaded.busy} onMore={loaded.more} />}
        </>
      )}
    </Panel>
  );
}

// Saves the changes that match the filter as a file for a spreadsheet.
function Export({ tenant, filter }: { tenant: string | undefined; filter: Filter }) {
  const action = useAction();
  async function run() {
    await action.run(async () => {
      const { rows, next } = await readPages<AuditChange>(PATH, "changes", { tenant, query: queryOf(filter, EXPORTED.count) }, EXPORTED.pages);
      const columns = ["at", "tenant", "actor", "actorname", "credential", "address", "action", "object", "fields"] as const;
      save("audit.csv", csvOf([[...columns], ...rows.map((row) => columns.map((name) => (name === "fields" ? row.fields.join(" ") : (row[name] ?? ""))))]));
      announce(next ? `The latest ${rows.length} changes are saved. Narrow the filter to save older ones.` : `${rows.length} changes are saved.`);
    });
  }
  return (
    <>
      <button type="button" aria-disabled={action.busy} onClick={() => void run()}>
        Export
      </button>
      <Refusal error={action.error} />
    </>
  );
}

function Search({ filter, rows, onFilter }: { filter: Filter; rows: AuditChange[]; onFilter: (filter: Filter) => void }) {
  const [typed, type] = useState(filter);
  const field = (name: keyof Filter) => ({ value: typed[name], onText: (text: string) => type({ ...typed, [name]: text }) });
  const seen = (of: (row: AuditChange) => string) => [...new Set(rows.map(of))].filter(Boolean).sort();
  function submit(event: Event) {
    event.preventDefault();
    onFilter(Object.fromEntries(Object.entries(typed).map(([name, text]) => [name, text.trim()])) as unknown as Filter);
  }
  return (
    <form class="filter" onSubmit={submit}>
      <TextField label="Who" type="search" hint="A user, or a key's name or first characters." suggestions={seen((row) => row.actorname ?? row.actor)} {...field("actor")} />
      <TextField label="Action" type="search" placeholder="key.revoke" suggestions={seen((row) => row.action)} {...field("action")} />
      <TextField label="Object" type="search" suggestions={seen((row) => row.object)} {...field("object")} />
      <TextField label="Since" type="datetime-local" {...field("from")} />
      <TextField label="Before" type="datetime-local" {...field("to")} />
      <div class="actions">
        <button type="submit" class="primary">
          Search
        </button>
        <button
          type="button"
          onClick={() => {
            type(NO_FILTER);
            onFilter(NO_FILTER);
          }}
        >
          Clear
        </button>
      </div>
    </form>
  );
}

const OWNER = ownerColumn<AuditChange>("audit", ({ tenant }) => tenant);

function List({ rows, everyTenant }: { rows: AuditChange[]; everyTenant: boolean }) {
  return (
    <Table
      caption="Changes"
      rows={rows}
      name={(row) => row.id}
      empty="No change matches."
      columns={[
        { title: "When", cell: (row) => <Moment time={row.at} seconds /> },
        {
          title: "Who",
          kind: "main",
          cell: (row) => row.actorname ?? row.actor,
          below: {
            title: "With",
            cell: (row) => `${row.actorname !== null ? `${row.actor}, ` : ""}${row.credential}${row.address !== null ? ` from ${row.address}` : ""}`,
          },
        },
        {
          title: "Action",
          kind: "free",
          cell: (row) => <code class="nowrap">{row.action}</code>,
          below: { title: "Fields", cell: (row) => row.fields.join(", ") },
        },
        { title: "Object", kind: "free", cell: (row) => row.object || "—", below: everyTenant ? OWNER : undefined },
      ]}
    />
  );
}
