// What became of one message, step by step, as the server tells it from what is stored.
import { useState } from "preact/hooks";
import { call } from "../api";
import { useLoaded } from "../load";
import { addressOf } from "../place";
import { TextField } from "../ui/field";
import { Moment } from "../ui/moment";
import { announce } from "../ui/announce";
import { Confirm } from "../ui/confirm";
import { Panel } from "../ui/panel";
import { Table } from "../ui/table";
import type { MessageSummary } from "./messages";
import { lookOf } from "./states";

interface Step {
  at: string;
  afterMs: number;
  step: string;
  process: string | null;
  attempt: number | null;
  until: string | null;
  decision: string | null;
  text: string;
  request: { method: string; host: string | null; path: string; headers: Header[]; bytes: number | null; changed: boolean } | null;
  answer: { status: number | null; durationMs: number | null; excerpt: string | null } | null;
}

interface Header {
  name: string;
  value: string | null;
}

interface Timeline {
  matches: { called: string; message: MessageSummary }[];
  steps: Step[];
}

// How a step looks: as good, as bad, or as a delay.
const LOOKS: Record<string, string> = {
  "class: ok": "enabled",
  "class: retry": "expired",
  "class: config": "expired",
  "class: not sent": "expired",
  "class: uncertain": "expired",
  "class: permanent": "revoked",
  "class: gone": "revoked",
  "class: forbidden address": "revoked",
  "receipt: applied": "enabled",
  held_back: "expired",
  waiting: "expired",
  lost: "revoked",
  expired: "revoked",
  opted_out: "revoked",
  uncertain: "revoked",
  undelivered: "revoked",
};

const VERDICTS: Record<string, string> = { enabled: "", expired: "pending", revoked: "broken" };

export function MessagePanel({ tenant, word }: { tenant: string; word: string }) {
  const [text, setText] = useState(word);
  const loaded = useLoaded(
    async () =>
      word ? call<Timeline>("GET", `/nexus/v3/messages/${encodeURIComponent(word)}/timeline`, { tenant }) : { matches: [], steps: [] },
    [tenant, word],
  );
  function submit(event: Event) {
    event.preventDefault();
    if (text.trim() === word) void loaded.again();
    else location.hash = addressOf({ tenant, panel: "message", about: text.trim() });
  }
  return (
    <Panel
      title="Explain a message"
      purpose="What became of it, who did what, and why."
      loaded={loaded}
      action={
        <form class="lookup" onSubmit={submit}>
          <TextField
            label="Message"
            hint="Its id, or what its sender or the provider calls it."
            required
            value={text}
            onText={setText}
          />
          <button type="submit" class="primary" disabled={loaded.busy}>
            {word && text.trim() === word ? "Read again" : "Explain"}
          </button>
        </form>
      }
    >
      {({ matches, steps }) =>
        matches.length > 1 ? <Matches tenant={tenant} matches={matches} /> : (
          <Explained tenant={tenant} message={matches[0]?.message} steps={steps} again={loaded.again} />
        )
      }
    </Panel>
  );
}

function Matches({ tenant, matches }: { tenant: string; matches: Timeline["matches"] }) {
  return (
    <Table
      caption="Messages that are called so"
      rows={matches}
      name={(match) => match.message.id}
      empty=""
      columns={[
        {
          title: "Message",
          kind: "main",
          cell: ({ message }) => (
            <a href={addressOf({ tenant, panel: "message", about: message.id })}>
              <code>{message.id}</code>
            </a>
          ),
        },
        { title: "Called so by", cell: (match) => match.called },
        { title: "Direction", cell: ({ message }) => (message.direction === "in" ? "from a consumer" : "to a consumer") },
        { title: "State", cell: ({ message }) => message.state },
        { title: "Created", cell: ({ message }) => <Moment time={message.created} /> },
      ]}
    />
  );
}

interface ExplainedProps {
  tenant: string;
  message: MessageSummary | undefined;
  steps: Step[];
  again: () => Promise<void>;
}

// What failed for good stands among the undelivered, and can be sent again.
const CAN_REPLAY = ["failed", "expired", "uncertain"];

function Explained({ tenant, message, steps, again }: ExplainedProps) {
  const [asking, setAsking] = useState(false);
  if (!message) return null;
  const facts: [string, string | null][] = [
    ["Its sender calls it", message.externalId],
    ["The provider calls it", message.providerId],
    ["Trace", message.trace],
  ];
  return (
    <>
      <div class={`verdict ${VERDICTS[lookOf(message.state)] ?? "broken"}`}>
        <p>
          <strong>{message.state.replace("_", " ")}</strong> {message.direction === "in" ? "from" : "to"} a phone {message.phone}, number {message.channel} ({message.number}),{" "}
          <Moment time={message.created} />
        </p>
        {message.conversation && (
          <p class="faint">
            Conversation: <a href={addressOf({ tenant, panel: "messages", about: message.conversation })}>{message.conversation}</a>
          </p>
        )}
        {facts.map(([title, value]) =>
          value ? (
            <p key={title} class="faint">
              {title}: <code>{value}</code>
            </p>
          ) : null,
        )}
        {message.direction === "out" && CAN_REPLAY.includes(message.state) && (
          <button type="button" onClick={() => setAsking(true)}>
            Replay
          </button>
        )}
      </div>
      {asking && (
        <Confirm
          title="Send again?"
          verb="Replay"
          danger={false}
          work={() => call("POST", "/nexus/v3/undelivered/replay", { tenant, body: { ids: [message.id] } })}
          onDone={() => {
            setAsking(false);
            announce("The message is being sent again.");
            void again();
          }}
          onClose={() => setAsking(false)}
        >
          <p>It goes out again under its old id. If it arrived although it counts as {message.state}, it arrives twice.</p>
        </Confirm>
      )}
      <Table
        caption="Steps"
        rows={steps.map((step, place) => ({ ...step, place }))}
        name={(step) => String(step.place)}
        empty="Nothing is known."
        columns={[
          { title: "After", kind: "number", cell: (step) => <time dateTime={step.at} title={step.at}>{after(step.afterMs)}</time> },
          {
            title: "Step",
            kind: "main",
            cell: (step) => (
              <span class={`state ${LOOKS[step.decision ?? ""] ?? LOOKS[step.step] ?? ""}`}>
                {step.step.replace("_", " ")}
                {step.step === "attempt" && ` ${step.attempt}`}
              </span>
            ),
          },
          { title: "Process", cell: (step) => <span class="nowrap">{step.process ?? "—"}</span> },
          { title: "What", cell: (step) => <What step={step} /> },
        ]}
      />
    </>
  );
}

function after(ms: number): string {
  return `+${(ms / 1000).toFixed(3)} s`;
}

function What({ step }: { step: Step }) {
  return (
    <div>
      <span>{step.text}</span>
      {step.until && (
        <>
          {" "}
          (until <time dateTime={step.until}>{step.until.slice(11, 23)}</time> UTC)
        </>
      )}{" "}
      {step.decision && <span class="tag">{step.decision}</span>}
      {step.request && <Exchange request={step.request} answer={step.answer} />}
    </div>
  );
}

function Exchange({ request, answer }: { request: NonNullable<Step["request"]>; answer: Step["answer"] }) {
  return (
    <details>
      <summary>Exchange</summary>
      <pre class="code">
        {`${request.method} ${request.host ?? ""}${request.path}\n`}
        {request.headers.map(({ name, value }) => `${name}: ${value ?? "(not kept)"}\n`)}
        {`\n${request.bytes ?? "?"} bytes\n\n`}
        {answer?.status ? `${answer.status} after ${answer.durationMs} ms\n` : "no answer\n"}
        {answer?.excerpt ?? ""}
      </pre>
      {request.changed && <p class="hint">The webhook's settings were changed since; these are today's.</p>}
    </details>
  );
}
