// Nobody is logged in: the way to the log-in. Somebody is: the panels they may see, for the contact center that is
// theirs or that they have chosen.
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "./api";
import { Header, Navigation } from "./chrome";
import { asApiError } from "./load";
import { AuditPanel } from "./pages/audit";
import { ConversationsPanel } from "./pages/conversations";
import { DestinationsPanel } from "./pages/destinations";
import { KeysPanel } from "./pages/keys";
import { LedgerPanel } from "./pages/ledger";
import { MessagePanel } from "./pages/message";
import { MessagesPanel } from "./pages/messages";
import { NumbersPanel } from "./pages/numbers";
import { EndpointsPanel } from "./pages/endpoints";
import { OverviewPanel } from "./pages/overview";
import { PipelinePanel } from "./pages/pipeline";
import { ServicesPanel } from "./pages/services";
import { TenantsPanel } from "./pages/tenants";
import { UndeliveredPanel } from "./pages/undelivered";
import { addressOf, usePlace, type Place } from "./place";
import { comeBack, findSession, goToLogin, type Session } from "./session";
import { Announcements } from "./ui/announce";
import { useHeading, useTitle } from "./ui/panel";
import { Refusal } from "./ui/refusal";

export function App() {
  const [session, setSession] = useState<Session | null>();
  const [error, setError] = useState<ApiError>();
  const [ended, setEnded] = useState(false);

  async function look() {
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
  useEffect(() => void look(), []);

  if (error)
    return (
      <Alone>
        <Refusal error={error} again={() => void look()} />
      </Alone>
    );
  if (session === undefined) return null;
  if (session === null || ended)
    return (
      <Alone>
        <p>{ended ? "Your session is over." : "For administrators of contact centers, and for operators."}</p>
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
  // An administrator sees their own contact center only, and nothing of it under the address of another one.
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
      return session.ccid ? <OverviewPanel tenant={tenant} /> : <PipelinePanel tenant={tenant} />; // of all, so for operators
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
        This address belongs to a contact center that is not yours. <a href={addressOf(own)}>Go to your own</a>.
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
        This belongs to one contact center. <a href={addressOf({ tenant: null, panel: "tenants" })}>Choose one</a> first.
      </p>
    </section>
  );
}
