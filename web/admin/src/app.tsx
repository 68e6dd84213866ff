// Without a session the page shows the log-in button. With one it shows the panels that the user may see, for their own contact
// center or the chosen one.
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "./api";
import { Header, Navigation } from "./chrome";
import { asApiError } from "./load";
import type { Session } from "./openapi";
import { AuditPanel } from "./pages/operators/audit";
import { ConversationsPanel } from "./pages/messages/conversations";
import { DestinationsPanel } from "./pages/operators/destinations";
import { KeysPanel } from "./pages/keys/keys";
import { LedgerPanel } from "./pages/operators/ledger";
import { MessagePanel } from "./pages/messages/message";
import { MessagesPanel } from "./pages/messages/messages";
import { NumbersPanel } from "./pages/provisioning/numbers";
import { EndpointsPanel } from "./pages/provisioning/endpoints";
import { OverviewPanel } from "./pages/operators/overview";
import { PipelinePanel } from "./pages/operators/pipeline";
import { ServicesPanel } from "./pages/provisioning/services";
import { TenantsPanel } from "./pages/operators/tenants";
import { UndeliveredPanel } from "./pages/messages/undelivered";
import { addressOf, usePlace, type Place } from "./place";
import { comeBack, findSession, goToLogin } from "./session";
import { Announcements } from "./ui/announce";
import { useHeading, useTitle } from "./ui/panel";
import { Refusal } from "./ui/refusal";

export function App() {
  const [session, setSession] = useState<Session | null>();
  const [error, setError] = useState<ApiError>();
  const [ended, setEnded] = useState(false);

  async function readSession() {
    setError(undefined);
    try {
      const found = await findSession(() => setEnded(true));
      if (found) comeBack();
      setSession(found);
      setEnded(false);
    } catch (reason) {
      setError(asApiError(reason));
    }
  }
  useEffect(() => void readSession(), []);

  if (error)
    return (
      <Alone>
        <Refusal error={error} again={() => void readSession()} />
      </Alone>
    );
  if (session === undefined) return null;
  if (session === null || ended)
    return (
      <Alone>
        <p>{ended ? "Your session has ended." : "For administrators of contact centers, and for operators."}</p>
        <button type="button" class="primary" onClick={goToLogin}>
          {ended ? "Log in again" : "Log in"}
        </button>
      </Alone>
    );
  return <Inside session={session} onOut={() => setSession(null)} />;
}

function Alone({ children }: { children: preact.ComponentChildren }) {
  useTitle();
  return (
    <main class="alone">
      <h1>Nexus administration</h1>
      {children}
    </main>
  );
}

function Inside({ session, onOut }: { session: Session; onOut: () => void }) {
  const asked = usePlace();
  // An administrator sees only their own contact center, and does not see it under the address of another one.
  const own = session.ccid?.toLowerCase();
  const foreign = own !== undefined && asked.tenant !== null && asked.tenant !== own;
  const place: Place = own === undefined ? asked : { ...asked, tenant: own };
  return (
    <div class="page">
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>("h1")?.focus()}>
        Skip to the content
      </button>
      <Header session={session} place={place} onOut={onOut} />
      <Navigation session={session} place={place} />
      <main id="content">
        {foreign ? (
          <Foreign own={{ tenant: place.tenant, panel: place.panel }} />
        ) : (
          <Content key={`${place.tenant}/${place.panel}/${place.about ?? ""}`} session={session} place={place} />
        )}
      </main>
      <Announcements />
    </div>
  );
}

function Content({ session, place }: { session: Session; place: Place }) {
  const { tenant } = place;
  switch (place.panel) {
    case "overview":
      return <OverviewPanel tenant={tenant} />;
    case "tenants":
      return <TenantsPanel session={session} />;
    case "keys":
      return <KeysPanel session={session} tenant={tenant} />;
    case "ledger":
      return <LedgerPanel tenant={tenant} />;
    case "pipeline":
      return session.ccid ? <OverviewPanel tenant={tenant} /> : <PipelinePanel tenant={tenant} />; // it shows all contact centers, so it is for operators
    case "undelivered":
      return <UndeliveredPanel tenant={tenant} />;
    case "destinations":
      return <DestinationsPanel tenant={tenant} about={place.about} />;
    case "audit":
      return <AuditPanel tenant={tenant} />;
    default:
      if (!tenant) return <Choose />;
  }
  switch (place.panel) {
    case "messages":
      return <MessagesPanel tenant={tenant} conversation={place.about} />;
    case "conversations":
      return <ConversationsPanel tenant={tenant} />;
    case "services":
      return <ServicesPanel tenant={tenant} />;
    case "numbers":
      return <NumbersPanel tenant={tenant} />;
    case "endpoints":
      return <EndpointsPanel tenant={tenant} />;
    case "message":
      return <MessagePanel tenant={tenant} word={place.about ?? ""} />;
  }
}

function Foreign({ own }: { own: Place }) {
  const title = "Another contact center";
  return (
    <section>
      <h1 tabIndex={-1} ref={useHeading(title)}>
        {title}
      </h1>
      <p>
        This page belongs to another contact center. <a href={addressOf(own)}>Go to your own</a>.
      </p>
    </section>
  );
}

function Choose() {
  const title = "Which contact center?";
  return (
    <section>
      <h1 tabIndex={-1} ref={useHeading(title)}>
        {title}
      </h1>
      <p>
        This page shows one contact center. <a href={addressOf({ tenant: null, panel: "tenants" })}>Choose one</a> first.
      </p>
    </section>
  );
}
