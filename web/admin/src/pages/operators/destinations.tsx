// The webhooks that messages go to: their state, the messages that wait for them, and the actions of an operator.
import { useState } from "preact/hooks";
import { call } from "../../api";
import type { Destination } from "../../openapi";
import { useKept } from "../../place";
import { useAction } from "../../ui/action";
import { announce } from "../../ui/announce";
import { ownerColumn } from "../../ui/lists/center";
import { Confirm } from "../../ui/dialogs/confirm";
import { SelectField } from "../../ui/forms/field";
import { Moment } from "../../ui/lists/moment";
import { More } from "../../ui/lists/more";
import { usePages } from "../../ui/lists/pages";
import { Panel, ReadAgain } from "../../ui/panel";
import { Refusal } from "../../ui/refusal";
import { Table, type Order } from "../../ui/lists/table";

export const PATH = "/nexus/v3/destinations";

// The word and the look of each state.
const STATES: Record<Destination["state"], { word: string; look: string }> = {
  closed: { word: "good", look: "enabled" },
  half_open: { word: "being tested", look: "expired" },
  open: { word: "left alone", look: "revoked" },
  off: { word: "switched off", look: "revoked" },
  unused: { word: "not used", look: "idle" },
};

// If the breaker is closed, messages are sent. But a destination that answers all of them with errors is not good.
function stateOf({ state, failing }: Destination): { word: string; look: string } {
  return state === "closed" && failing ? { word: "fails", look: "expired" } : STATES[state];
}

export function nameOf({ numbers, host }: Destination): string {
  return numbers.map(({ number }) => number).join(", ") || host;
}

export function DestinationsPanel({ tenant, about }: { tenant: string | null; about: string | undefined }) {
  const [kept, keep] = useKept({ state: about ?? "", sort: "", order: "" });
  const { state } = kept;
  const loaded = usePages<Destination>(PATH, "destinations", { tenant: tenant ?? undefined, query: { state } }, [tenant, state]);
  const [stopping, setStopping] = useState<Destination>();
  const done = (text: string) => {
    setStopping(undefined);
    announce(text);
    void loaded.again();
  };
  return (
    <Panel
      title="Destinations"
      purpose="The webhooks that messages go to. If one keeps failing, nothing is sent to it for a while, and its messages wait."
      loaded={loaded}
      action={<ReadAgain loaded={loaded} />}
      above={
        <div class="filter" role="group" aria-label="Filter">
          <SelectField
            label="State"
            value={state}
            choices={[
              ["", "all in use"],
              ["failing", "failing or switched off"],
              ...Object.entries(STATES).map(([name, { word }]): [string, string] => [name, word]),
            ]}
            onText={(state) => keep({ ...kept, state })}
          />
        </div>
      }
    >
      {({ rows, next }) => (
        <>
          <List rows={rows} everyTenant={!tenant} onStop={setStopping} onDone={done} order={next ? undefined : kept} onOrder={(order) => keep({ ...kept, ...order })} />
          {next && <More shown={rows.length} busy={loaded.busy} onMore={loaded.more} />}
          {stopping && (
            <Confirm
              title={`Switch off ${nameOf(stopping)}?`}
              verb="Switch off"
              work={() => act(stopping, "disable")}
              onDone={() => done(`${nameOf(stopping)} is switched off.`)}
              onClose={() => setStopping(undefined)}
            >
              <p>
                Nothing is sent to <strong>{stopping.host}</strong> until it is switched on, or its contact center is provisioned again. Messages
                wait as long as they are valid.
              </p>
            </Confirm>
          )}
        </>
      )}
    </Panel>
  );
}

function act(one: Destination, what: "try" | "enable" | "disable"): Promise<Destination> {
  return call("POST", `${PATH}/${one.id}/${what}`, { tenant: one.ccid });
}

const OWNER = ownerColumn<Destination>("destinations", ({ ccid }) => ccid);

interface ListProps {
  rows: Destination[];
  everyTenant: boolean;
  onStop: (one: Destination) => void;
  onDone: (text: string) => void;
  order: Order | undefined;
  onOrder: (order: Order) => void;
}

function List({ rows, everyTenant, onStop, onDone, order, onOrder }: ListProps) {
  return (
    <Table
      caption="Destinations"
      rows={rows}
      name={(row) => row.id}
      empty="No destinations."
      order={order}
      onOrder={onOrder}
      columns={[
        {
          title: "Number",
          kind: "main",
          value: nameOf,
          cell: (row) => row.numbers.map(({ number, name }) => `${number} (${name})`).join(", ") || "none",
          below: everyTenant ? OWNER : undefined,
        },
        { title: "Host", kind: "free", value: (row) => row.host, cell: (row) => <code class="url">{row.host}</code> },
        {
          title: "State",
          value: (row) => stateOf(row).word,
          cell: (row) => <span class={`state ${stateOf(row).look}`}>{stateOf(row).word}</span>,
          below: {
            title: "Next try",
            cell: (row) => row.nextTry && (row.state !== "closed" || row.failing) && <Moment time={row.nextTry} />,
          },
        },
        {
          title: "Waiting",
          kind: "number",
          value: (row) => row.waiting,
          cell: (row) => (row.waiting >= 10000 ? "10000 or more" : row.waiting),
          below: { title: "Oldest", value: (row) => row.oldest, cell: (row) => row.oldest && <Moment time={row.oldest} /> },
        },
        {
          title: "Last answer",
          kind: "free",
          value: (row) => row.lastAnswer?.at,
          cell: ({ lastAnswer }) => (lastAnswer ? <Answer of={lastAnswer} /> : "never tried"),
          below: { title: "Failing since", cell: (row) => row.failingSince && <Moment time={row.failingSince} /> },
        },
        { title: "Actions", kind: "actions", cell: (row) => <Actions one={row} onStop={onStop} onDone={onDone} /> },
      ]}
    />
  );
}

function Answer({ of: { status, kind, at, detail } }: { of: NonNullable<Destination["lastAnswer"]> }) {
  return (
    <>
      {status ?? "none"} <span class="tag">{kind}</span> <Moment time={at} />
      {detail && <code class="faint"> {detail}</code>}
    </>
  );
}

function Actions({ one, onStop, onDone }: { one: Destination; onStop: (one: Destination) => void; onDone: (text: string) => void }) {
  const action = useAction();
  const name = nameOf(one);
  const run = async (what: "try" | "enable", text: string) => {
    if (await action.run(() => act(one, what))) onDone(text);
  };
  if (one.state === "unused") return null;
  return (
    <>
      <div class="actions" role="group" aria-label={`Actions on ${name}`}>
        {one.state === "off" ? (
          <button type="button" aria-disabled={action.busy} onClick={() => void run("enable", `${name} is switched on.`)}>
            Switch on
          </button>
        ) : (
          <>
            <button type="button" aria-disabled={action.busy} onClick={() => void run("try", `${name} is being tried.`)}>
              Try now
            </button>
            <button type="button" class="danger" disabled={action.busy} onClick={() => onStop(one)}>
              Switch off
            </button>
          </>
        )}
      </div>
      <Refusal error={action.error} />
    </>
  );
}
