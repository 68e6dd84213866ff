// What failed for good, and sending it again: what is ticked, or all that a filter lets through.
import { useState } from "preact/hooks";
import { call } from "../api";
import { useLoaded } from "../load";
import { addressOf } from "../place";
import { announce } from "../ui/announce";
import { Confirm } from "../ui/confirm";
import { Moment } from "../ui/moment";
import { Panel } from "../ui/panel";
import { Table } from "../ui/table";
import { filterBody, FilterForm, filterText, isOpen, lets, NO_FILTER, type Filter } from "./undelivered_filter";

export interface Failure {
  id: string;
  channel: string;
  conversation: string;
  state: string;
  reason: string;
  status: number | null;
  attempts: number;
  since: string;
}

const PATH = "/nexus/v3/undelivered";
const PAGE = 100;
const AT_ONCE = 1000; // the server's limit of one replay

async function read(tenant: string, wanted: number): Promise<Failure[]> {
  const all: Failure[] = [];
  while (all.length < wanted) {
    const count = Math.min(AT_ONCE, wanted - all.length);
    const page = await call<{ undelivered: Failure[] }>("GET", PATH, { tenant, query: { count, after: all.at(-1)?.id } });
    all.push(...page.undelivered);
    if (page.undelivered.length < count) break;
  }
  return all;
}

export function UndeliveredPanel({ tenant }: { tenant: string }) {
  const [wanted, setWanted] = useState(PAGE);
  const loaded = useLoaded(() => read(tenant, wanted), [tenant, wanted]);
  const [filter, setFilter] = useState<Filter>(NO_FILTER);
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<"ticked" | "filter">();
  return (
    <Panel title="Undelivered" purpose="Messages that failed for good. A replay sends them again under their old ids." loaded={loaded}>
      {(failures) => {
        const shown = failures.filter((failure) => lets(filter, failure));
        const chosen = shown.filter((failure) => ticked.has(failure.id));
        return (
          <>
            {failures.length > 0 && <FilterForm filter={filter} onFilter={setFilter} failures={failures} />}
            {failures.length > 0 && (
              <div class="actions">
                <button type="button" class="primary" disabled={chosen.length === 0} onClick={() => setAsking("ticked")}>
                  Replay {chosen.length || ""} selected
                </button>
                <button type="button" disabled={isOpen(filter)} onClick={() => setAsking("filter")}>
                  Replay all that match the filter
                </button>
              </div>
            )}
            <List tenant={tenant} rows={shown} none={failures.length === 0} ticked={ticked} onTicked={setTicked} />
            {failures.length === wanted && (
              <button type="button" class="more" disabled={loaded.busy} onClick={() => setWanted(wanted + PAGE)}>
                Show more
              </button>
            )}
            {asking && (
              <Replay
                tenant={tenant}
                body={asking === "ticked" ? { ids: chosen.slice(0, AT_ONCE).map((failure) => failure.id) } : filterBody(filter)}
                what={asking === "ticked" ? `${Math.min(chosen.length, AT_ONCE)} selected messages` : filterText(filter)}
                onClose={() => setAsking(undefined)}
                onDone={(count) => {
                  setAsking(undefined);
                  setTicked(new Set());
                  announce(count === 1 ? "1 message is being sent again." : `${count} messages are being sent again.`);
                  void loaded.again();
                }}
              />
            )}
          </>
        );
      }}
    </Panel>
  );
}

interface ListProps {
  tenant: string;
  rows: Failure[];
  none: boolean; // there are none at all
  ticked: ReadonlySet<string>;
  onTicked: (ticked: ReadonlySet<string>) => void;
}

function List({ tenant, rows, none, ticked, onTicked }: ListProps) {
  const tick = (ids: string[], on: boolean) => {
    const next = new Set(ticked);
    for (const id of ids) if (on) next.add(id);
      else next.delete(id);
    onTicked(next);
  };
  const all = rows.length > 0 && rows.every((row) => ticked.has(row.id));
  return (
    <>
      {rows.length > 0 && (
        <label class="all">
          <input type="checkbox" checked={all} onChange={(event) => tick(rows.map((row) => row.id), event.currentTarget.checked)} />
          Select all shown ({rows.length})
        </label>
      )}
      <Table
        caption="Undelivered messages"
        rows={rows}
        name={(row) => row.id}
        empty={none ? "Nothing is undelivered." : "None of those that were read match."}
        columns={[
          {
            title: "Message",
            kind: "main",
            cell: (row) => (
              <label class="tick">
                <input type="checkbox" checked={ticked.has(row.id)} onChange={(event) => tick([row.id], event.currentTarget.checked)} />
                <a href={addressOf({ tenant, panel: "message", about: row.id })} title="What became of it">
                  <code>{row.id}</code>
                </a>
              </label>
            ),
          },
          { title: "Number", cell: (row) => row.channel },
          { title: "Reason", cell: (row) => row.reason },
          { title: "Last status", kind: "number", cell: (row) => row.status || "—" },
          { title: "Attempts", kind: "number", cell: (row) => row.attempts },
          { title: "Since", cell: (row) => <Moment time={row.since} /> },
        ]}
      />
    </>
  );
}

interface ReplayProps {
  tenant: string;
  body: unknown;
  what: string;
  onDone: (count: number) => void;
  onClose: () => void;
}

function Replay({ tenant, body, what, onDone, onClose }: ReplayProps) {
  let count = 0;
  return (
    <Confirm
      title="Send again?"
      verb="Replay"
      danger={false}
      work={async () => {
        count = (await call<{ replayed: number }>("POST", `${PATH}/replay`, { tenant, body })).replayed;
      }}
      onDone={() => onDone(count)}
      onClose={onClose}
    >
      <p>
        {what}, at most {AT_ONCE}, the oldest first. Whoever got a message although it counts as failed gets it twice.
      </p>
    </Confirm>
  );
}
