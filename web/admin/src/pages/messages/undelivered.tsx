// Messages that failed for good, and the replay of those that are selected or that match a filter.
import { useState } from "preact/hooks";
import { call } from "../../api";
import type { Replayed, Undelivered, UndeliveredDestination, UndeliveredMessage } from "../../openapi";
import { addressOf, useKept } from "../../place";
import { announce } from "../../ui/announce";
import { ownerColumn } from "../../ui/lists/center";
import { Confirm } from "../../ui/dialogs/confirm";
import { Moment } from "../../ui/lists/moment";
import { More } from "../../ui/lists/more";
import { usePages } from "../../ui/lists/pages";
import { Panel, ReadAgain } from "../../ui/panel";
import { Table, type Order } from "../../ui/lists/table";
import { filterQuery, FilterForm, filterText, isOpen, NO_FILTER, type Filter } from "./undelivered_filter";

const PATH = "/nexus/v3/undelivered";
const PAGE = 100;
export const COUNTED = 10000; // the server counts no further
const AT_ONCE = 1000; // the server's limit of one replay

export function UndeliveredPanel({ tenant }: { tenant: string | null }) {
  const [{ sort, order, ...filter }, keep] = useKept({ ...NO_FILTER, sort: "since", order: "desc" });
  const setFilter = (next: Filter) => keep({ ...next, sort, order });
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<"ticked" | "filter" | UndeliveredDestination>();
  const query = { ...filterQuery(filter), sort, order, count: PAGE };
  const loaded = usePages<UndeliveredMessage>(PATH, "undelivered", { tenant: tenant ?? undefined, query }, [tenant, query]);
  const first = (loaded.data?.first ?? {}) as Partial<Undelivered>;
  const total = first.total ?? 0;
  const destinations = first.destinations ?? [];
  const chosen = (loaded.data?.rows ?? []).filter((failure) => ticked.has(failure.id));
  const whole = !!tenant && !isOpen(filter);
  return (
    <Panel
      title="Undelivered"
      purpose="Messages that failed for good. A replay sends them again under their old ids."
      loaded={loaded}
      action={<ReadAgain loaded={loaded} />}
      above={<FilterForm filter={filter} onFilter={setFilter} groups={destinations} error={loaded.error} />}
    >
      {({ rows, next }) => (
        <>
          <div class="actions">
            <button type="button" class="primary" disabled={chosen.length === 0} onClick={() => setAsking("ticked")}>
              Replay {chosen.length || ""} selected
            </button>
            <button
              type="button"
              disabled={!whole}
              title={whole ? undefined : tenant ? "Narrow the filter first" : "Choose a contact center first"}
              onClick={() => setAsking("filter")}
            >
              Replay all that match the filter
            </button>
          </div>
          {rows.length > 0 && (
            <p>
              <strong>{total >= COUNTED ? `${COUNTED} or more` : total}</strong> undelivered{isOpen(filter) ? "" : " that match"}.
            </p>
          )}
          {destinations.length > 0 && (
            <Groups groups={destinations} everyTenant={!tenant} onChannel={(channel) => setFilter({ ...filter, channel })} onReplay={setAsking} />
          )}
          <List
            everyTenant={!tenant}
            rows={rows}
            none={isOpen(filter)}
            ticked={ticked}
            onTicked={setTicked}
            order={{ sort, order }}
            onOrder={(next) => keep({ ...filter, ...next })}
          />
          {next && <More shown={rows.length} total={total >= COUNTED ? undefined : total} busy={loaded.busy} onMore={loaded.more} />}
          {asking && (
            <Replay
              {...(asking === "ticked"
                ? { parts: byTenant(chosen.slice(0, AT_ONCE)), what: `${Math.min(chosen.length, AT_ONCE)} selected messages` }
                : asking === "filter"
                  ? ofFilter(tenant ?? "", filter)
                  : ofFilter(asking.ccid, { ...filter, channel: asking.channel }))}
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
      )}
    </Panel>
  );
}

// A replay covers one contact center.
function byTenant(failures: UndeliveredMessage[]): Part[] {
  const ccids = [...new Set(failures.map(({ ccid }) => ccid))];
  return ccids.map((tenant) => ({ tenant, body: { ids: failures.filter(({ ccid }) => ccid === tenant).map(({ id }) => id) } }));
}

function ofFilter(tenant: string, filter: Filter) {
  return { parts: [{ tenant, body: filterQuery(filter) }], what: filterText(filter) };
}

const OWNER = ownerColumn<{ ccid: string }>("undelivered", ({ ccid }) => ccid);

interface GroupsProps {
  groups: UndeliveredDestination[];
  everyTenant: boolean;
  onChannel: (channel: string) => void;
  onReplay: (group: UndeliveredDestination) => void;
}

function Groups({ groups, everyTenant, onChannel, onReplay }: GroupsProps) {
  return (
    <details open={groups.length > 1}>
      <summary>By destination ({groups.length})</summary>
      <Table
        caption="Undelivered messages by destination"
        rows={groups}
        name={(group) => `${group.ccid} ${group.channel} ${group.host}`}
        empty=""
        columns={[
          {
            title: "Number",
            kind: "main",
            cell: ({ channel }) => (
              <button type="button" title="Show only these" onClick={() => onChannel(channel)}>
                {channel}
              </button>
            ),
          },
          {
            title: "Destination",
            kind: "free",
            cell: ({ ccid, host }) => (
              <a href={addressOf({ tenant: ccid, panel: "destinations" })} title="Its state">
                <code class="url">{host || "—"}</code>
              </a>
            ),
            below: everyTenant ? OWNER : undefined,
          },
          { title: "Messages", kind: "number", cell: ({ count }) => count },
          { title: "First", cell: ({ oldest }) => <Moment time={oldest} />, below: { title: "Last", cell: ({ latest }) => <Moment time={latest} /> } },
          {
            title: "Actions",
            kind: "actions",
            cell: (group) => (
              <div class="actions" role="group" aria-label={`Actions on the messages of ${group.channel}`}>
                <button type="button" onClick={() => onReplay(group)}>
                  Replay
                </button>
              </div>
            ),
          },
        ]}
      />
    </details>
  );
}

interface ListProps {
  everyTenant: boolean;
  rows: UndeliveredMessage[];
  none: boolean; // without a filter
  ticked: ReadonlySet<string>;
  onTicked: (ticked: ReadonlySet<string>) => void;
  order: Order;
  onOrder: (order: Order) => void;
}

function List({ everyTenant, rows, none, ticked, onTicked, order, onOrder }: ListProps) {
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
        empty={none ? "Nothing is undelivered." : "No undelivered message matches."}
        order={order}
        onOrder={onOrder}
        columns={[
          {
            title: "Message",
            kind: "main",
            cell: (row) => (
              <label class="tick">
                <input type="checkbox" checked={ticked.has(row.id)} onChange={(event) => tick([row.id], event.currentTarget.checked)} />
                <a href={addressOf({ tenant: row.ccid, panel: "message", about: row.id })} title="What happened to it">
                  <code>{row.id}</code>
                </a>
              </label>
            ),
            below: everyTenant ? OWNER : undefined,
          },
          { title: "Number", by: "channel", cell: (row) => row.channel, below: { title: "Host", cell: (row) => <code class="url">{row.host || "—"}</code> } },
          { title: "Reason", by: "reason", cell: (row) => row.reason.replace("_", " ") },
          { title: "Last status", kind: "number", by: "status", cell: (row) => row.status || "—" },
          { title: "Attempts", kind: "number", by: "attempts", cell: (row) => row.attempts },
          { title: "Since", by: "since", cell: (row) => <Moment time={row.since} /> },
        ]}
      />
    </>
  );
}

interface Part {
  tenant: string;
  body: unknown;
}

interface ReplayProps {
  parts: Part[];
  what: string;
  onDone: (count: number) => void;
  onClose: () => void;
}

function Replay({ parts, what, onDone, onClose }: ReplayProps) {
  let count = 0;
  return (
    <Confirm
      title="Send again?"
      verb="Replay"
      danger={false}
      work={async () => {
        count = 0;
        for (const part of parts) count += (await call<Replayed>("POST", `${PATH}/replay`, part)).replayed;
      }}
      onDone={() => onDone(count)}
      onClose={onClose}
    >
      <p>
        {what}, at most {AT_ONCE}, the oldest first. A consumer who did receive a message that counts as failed receives it twice.
      </p>
    </Confirm>
  );
}
