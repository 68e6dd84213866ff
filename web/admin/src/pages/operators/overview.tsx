// The overview: health, the ledger of today, waiting and undelivered messages, and the latest messages.
import type { ComponentChildren } from "preact";
import { call, health } from "../../api";
import { useLoaded } from "../../load";
import type { Health, Ledger, MessageSummary, Messages, Undelivered } from "../../openapi";
import { addressOf } from "../../place";
import { Panel, ReadAgain } from "../../ui/panel";
import { ledgerWord } from "./ledger";
import { MessageTable } from "../messages/messages";
import { COUNTED } from "../messages/undelivered";

interface Read {
  health: Health;
  ledger: Ledger;
  undelivered: number;
  messages: MessageSummary[];
}

async function read(tenant: string | null): Promise<Read> {
  const today = new Date().toISOString().slice(0, 10);
  const chosen = tenant ? { tenant } : {};
  const [state, ledger, undelivered, latest] = await Promise.all([
    health(),
    call<Ledger>("GET", "/nexus/v3/ledger", { ...chosen, query: { from: today, to: today } }),
    call<Undelivered>("GET", "/nexus/v3/undelivered", { ...chosen, query: { count: 1 } }),
    tenant ? call<Messages>("GET", "/nexus/v3/messages", { tenant, query: { count: 10 } }) : undefined,
  ]);
  return { health: state, ledger, undelivered: undelivered.total ?? 0, messages: latest?.messages ?? [] };
}

export function OverviewPanel({ tenant }: { tenant: string | null }) {
  const loaded = useLoaded(() => read(tenant), [tenant]);
  return (
    <Panel
      title="Overview"
      purpose={tenant ? "This contact center today, and the platform it runs on." : "The platform, and all contact centers today."}
      loaded={loaded}
      action={<ReadAgain loaded={loaded} />}
    >
      {(data) => (
        <>
          <div class="cards">
            <HealthCard tenant={tenant} health={data.health} />
            <LedgerCard tenant={tenant} ledger={data.ledger} />
            {data.health.queues && <QueuesCard tenant={tenant} queues={data.health.queues} />}
            <UndeliveredCard tenant={tenant} count={data.undelivered} />
          </div>
          {tenant ? (
            <>
              <h2>Latest messages</h2>
              <MessageTable tenant={tenant} messages={data.messages} empty="No message yet." />
            </>
          ) : (
            <p>
              <a href={addressOf({ tenant: null, panel: "tenants" })}>Choose a contact center</a> to see its messages and conversations.
            </p>
          )}
        </>
      )}
    </Panel>
  );
}

const LOOKS = { green: "enabled", yellow: "expired", red: "revoked" } as const;

function Card({ title, state, look, children }: { title: string; state: string; look: string; children: ComponentChildren }) {
  return (
    <div class="card">
      <h2>
        {title} <span class={`state ${look}`}>{state}</span>
      </h2>
      {children}
    </div>
  );
}

function HealthCard({ tenant, health: { state, reasons = [], causes = [] } }: { tenant: string | null; health: Health }) {
  return (
    <Card title="Health" state={state} look={LOOKS[state]}>
      {reasons.length === 0 ? (
        <p class="faint">{state === "green" ? "Everything works." : "Something is wrong; operators can see the reason."}</p>
      ) : (
        <ul>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      {causes.some(({ code }) => code.startsWith("destination.")) && (
        <a href={addressOf({ tenant, panel: "destinations", about: "failing" })}>Show failing destinations</a>
      )}
    </Card>
  );
}

function LedgerCard({ tenant, ledger }: { tenant: string | null; ledger: Ledger }) {
  const shown = Object.entries(ledger.totals.states).filter(([, count]) => count > 0);
  return (
    <Card title="Ledger today" state={ledger.balanced ? "balanced" : `${ledger.remainder} missing`} look={ledger.balanced ? "enabled" : "revoked"}>
      <dl>
        <Fact title="all accepted" value={ledger.totals.accepted} />
        {shown.map(([name, count]) => (
          <Fact key={name} title={ledgerWord(name)} value={count} />
        ))}
      </dl>
      <a href={addressOf({ tenant, panel: "ledger" })}>By number</a>
    </Card>
  );
}

function QueuesCard({ tenant, queues }: { tenant: string | null; queues: NonNullable<Health["queues"]> }) {
  const waiting = queues.reduce((sum, { depth }) => sum + depth, 0);
  return (
    <Card title="Waiting" state={waiting ? String(waiting) : "nothing"} look={waiting ? "expired" : "enabled"}>
      <dl>
        {queues.map(({ name, depth, oldestMs }) => (
          <Fact key={name} title={name} value={depth} more={depth ? `, oldest ${(oldestMs / 1000).toFixed(1)} s` : ""} />
        ))}
      </dl>
      {!tenant && <a href={addressOf({ tenant: null, panel: "pipeline" })}>Show the pipeline</a>}
    </Card>
  );
}

function UndeliveredCard({ tenant, count }: { tenant: string | null; count: number }) {
  return (
    <Card title="Undelivered" state={count === 0 ? "none" : count >= COUNTED ? `${COUNTED} or more` : String(count)} look={count ? "revoked" : "enabled"}>
      <p class="faint">Messages that failed for good; they can be sent again.</p>
      <a href={addressOf({ tenant, panel: "undelivered" })}>Show them</a>
    </Card>
  );
}

function Fact({ title, value, more = "" }: { title: string; value: number; more?: string }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {value.toLocaleString()}
        {more}
      </dd>
    </div>
  );
}
