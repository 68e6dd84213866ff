// The frame around the panels: who is logged in, the chosen contact center, and the menu.
import { useState } from "preact/hooks";
import { call } from "./api";
import { useLoaded } from "./load";
import type { Session, Tenant } from "./openapi";
import { addressOf, type Panel, type Place } from "./place";
import { may, signOut } from "./session";
import { useAction } from "./ui/action";
import { Refusal } from "./ui/refusal";

// operators: shows all contact centers together, so only operators may open it.
const TITLES: Record<Panel, { title: string; needs: string; forOne: boolean; operators?: boolean }> = {
  overview: { title: "Overview", needs: "messages", forOne: false },
  messages: { title: "Messages", needs: "messages", forOne: true },
  conversations: { title: "Conversations", needs: "messages", forOne: true },
  tenants: { title: "Contact centers", needs: "tenants", forOne: false },
  keys: { title: "API keys", needs: "keys", forOne: false },
  services: { title: "Services", needs: "services", forOne: true },
  numbers: { title: "Numbers", needs: "services", forOne: true },
  endpoints: { title: "Endpoints", needs: "services", forOne: true },
  undelivered: { title: "Undelivered", needs: "messages", forOne: false },
  message: { title: "Explain a message", needs: "messages", forOne: true },
  destinations: { title: "Destinations", needs: "messages", forOne: false },
  ledger: { title: "Ledger", needs: "messages", forOne: false },
  pipeline: { title: "Pipeline", needs: "messages", forOne: false, operators: true },
  audit: { title: "Audit log", needs: "audit", forOne: false },
};

export function Header({ session, place, onOut }: { session: Session; place: Place; onOut: () => void }) {
  const leaving = useAction();
  return (
    <header class="top">
      <span class="brand">Nexus</span>
      {!session.ccid && place.tenant && <Chosen key={place.tenant} tenant={place.tenant} />}
      <span class="user">
        <span title={session.ccid ? `of contact center ${session.ccid}` : "operator, acts for all contact centers"}>
          {session.user}
          {!session.ccid && <span class="tag">operator</span>}
        </span>
        <button
          type="button"
          disabled={leaving.busy}
          onClick={async () => {
            if (await leaving.run(signOut)) onOut();
          }}
        >
          Log out
        </button>
      </span>
      <Refusal error={leaving.error} />
    </header>
  );
}

function Chosen({ tenant }: { tenant: string }) {
  const { data } = useLoaded(() => call<Tenant>("GET", `/nexus/v3/provisioning/tenants/${tenant}`), [tenant]);
  return (
    <span class="scope">
      {data?.name && <strong>{data.name}</strong>} <code class="faint">{tenant}</code>{" "}
      <a href={addressOf({ tenant: null, panel: "tenants" })}>Change</a>
    </span>
  );
}

export function Navigation({ session, place }: { session: Session; place: Place }) {
  const [open, setOpen] = useState(false);
  const items = (Object.keys(TITLES) as Panel[]).filter(
    (panel) => may(session, TITLES[panel].needs) && !(TITLES[panel].operators && session.ccid),
  );
  return (
    <nav aria-label="Panels" class={open ? "open" : undefined}>
      <button type="button" class="menu" aria-expanded={open} aria-controls="panels" onClick={() => setOpen(!open)}>
        {TITLES[place.panel].title}
      </button>
      <ul id="panels">
        {items.map((panel) => {
          const { title, forOne } = TITLES[panel];
          const idle = forOne && !place.tenant;
          return (
            <li key={panel}>
              <a
                href={addressOf({ tenant: panel === "tenants" && !session.ccid ? null : place.tenant, panel })}
                aria-current={panel === place.panel ? "page" : undefined}
                class={idle ? "idle" : undefined}
                title={idle ? "Choose a contact center first" : undefined}
                onClick={() => setOpen(false)}
              >
                {panel === "tenants" && session.ccid ? "Contact center" : title}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
