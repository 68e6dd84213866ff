// The ledger: every accepted message is in exactly one state. A remainder is a defect, and is shown in red.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useLoaded } from "../../load";
import type { Ledger, LedgerRow, LedgerTotals } from "../../openapi";
import { ownerColumn } from "../../ui/lists/center";
import { faultOf, SelectField, TextField } from "../../ui/forms/field";
import { Panel, ReadAgain } from "../../ui/panel";
import { Moment } from "../../ui/lists/moment";
import { Table } from "../../ui/lists/table";

const STATE_WORDS: Record<string, string> = {
  accepted: "queued",
  opted_out: "opted out",
  parts_waiting: "waiting parts",
  parts_joined: "parts joined to texts",
  copies: "copies of parts",
};

export function ledgerWord(state: string): string {
  return STATE_WORDS[state] ?? state;
}

export function LedgerPanel({ tenant }: { tenant: string | null }) {
  const [query, change] = useState({ from: "", to: "", by: "channel" });
  const loaded = useLoaded(
    () => call<Ledger>("GET", "/nexus/v3/ledger", { query, tenant: tenant ?? undefined }),
    [tenant, query.from, query.to, query.by],
  );
  return (
    <Panel
      title="Ledger"
      purpose="Accepted messages and the states they are in. The two sides must always be equal."
      loaded={loaded}
      action={<ReadAgain loaded={loaded} />}
      above={
        <div class="filter" role="group" aria-label="What to sum up">
          <TextField label="First day" type="date" value={query.from} fault={faultOf(loaded.error, "from")} onText={(from) => change({ ...query, from })} />
          <TextField label="Last day" type="date" value={query.to} fault={faultOf(loaded.error, "to")} onText={(to) => change({ ...query, to })} />
          <SelectField
            label="One row for each"
            value={query.by}
            choices={[
              ["channel", "number"],
              ["tenant", "contact center"],
            ]}
            onText={(by) => change({ ...query, by })}
          />
        </div>
      }
    >
      {(ledger) => (
        <>
          <Verdict ledger={ledger} />
          <List rows={ledger.rows} everyTenant={!tenant} />
        </>
      )}
    </Panel>
  );
}

function Verdict({ ledger }: { ledger: Ledger }) {
  return (
    <div class={ledger.balanced ? "verdict" : "verdict broken"} role={ledger.balanced ? undefined : "alert"}>
      <p>
        <strong>{ledger.balanced ? "Balanced." : `A remainder of ${ledger.remainder}: this is a defect.`}</strong>{" "}
        <Equation of={ledger.totals} />
      </p>
      <p class="faint">
        {ledger.recounted ? (
          <>
            The stored messages of each of these days were counted at <Moment time={ledger.recounted} seconds /> or later.
          </>
        ) : (
          "The stored messages of some of these days have not been counted yet."
        )}
      </p>
      {ledger.partsWaiting > 0 && <p class="faint">{ledger.partsWaiting} parts of long messages wait for the others.</p>}
    </div>
  );
}

// "120 accepted = 100 delivered + 20 failed", and the remainder.
function Equation({ of }: { of: LedgerTotals }) {
  const terms = Object.entries(of.states).filter(([, count]) => count !== 0);
  return (
    <span class="equation">
      {of.accepted} accepted = {terms.length === 0 ? "0" : terms.map(([state, count]) => `${count} ${ledgerWord(state)}`).join(" + ")}
      {of.imbalance !== 0 && <strong class="remainder"> {of.imbalance > 0 ? "+" : "−"} {Math.abs(of.imbalance)} unaccounted for</strong>}
    </span>
  );
}

const OWNER = ownerColumn<LedgerRow>("ledger", ({ ccid }) => ccid);

function List({ rows, everyTenant }: { rows: LedgerRow[]; everyTenant: boolean }) {
  return (
    <Table
      caption="Ledger"
      rows={rows}
      name={(row) => `${row.ccid} ${row.channel} ${row.direction}`}
      empty="No messages in this time."
      columns={[
        { title: "Number", kind: "main", cell: (row) => row.channel ?? "all", below: everyTenant ? OWNER : undefined },
        { title: "Direction", cell: (row) => (row.direction === "in" ? "from consumers" : "to consumers") },
        { title: "Equation", cell: (row) => <Equation of={row} /> },
        {
          title: "Remainder",
          kind: "number",
          cell: (row) => <span class={row.imbalance === 0 ? undefined : "remainder"}>{row.imbalance}</span>,
        },
      ]}
    />
  );
}
