// What happened to one message, step by step, as the server has stored it.
import { useState } from "preact/hooks";
import { call } from "../../api";
import { useLoaded } from "../../load";
import type { MessageSummary, Timeline, TimelineStep } from "../../openapi";
import { addressOf } from "../../place";
import { TextField } from "../../ui/forms/field";
import { Moment } from "../../ui/lists/moment";
import { announce } from "../../ui/announce";
import { Confirm } from "../../ui/dialogs/confirm";
import { Panel } from "../../ui/panel";
import { Table } from "../../ui/lists/table";
import { lookOf } from "./states";

// The look of a step: good, bad, or a delay.
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
      purpose="What happened to it, step by step, and why."
      loaded={loaded}
      action={
        <form class="lookup" onSubmit={submit}>
          <TextField
            label="Message"
            hint="Its id in Nexus, at its sender or at the provider."
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
      caption="Messages with this id"
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
        { title: "Id given by", cell: (match) => match.called },
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
  steps: TimelineStep[];
  again: () => Promise<void>;
}

// Messages in these states are undelivered, and can be sent again.
const CAN_REPLAY = ["failed", "expired", "uncertain"];

function Explained({ tenant, message, steps, again }: ExplainedProps) {
  const [asking, setAsking] = useState(false);
  if (!message) return null;
  const facts: [string, string | null][] = [
    ["Id at its sender", message.externalId],
    ["Id at the provider", message.providerId],
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
          <p>It is sent again under its old id. If it did arrive although it counts as {message.state}, the consumer receives it twice.</p>
        </Confirm>
      )}
      <Table
        caption="Steps"
        rows={steps.map((step, place) => ({ ...step, place }))}
        name={(step) => String(step.place)}
        empty="No steps are stored."
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

function What({ step }: { step: TimelineStep }) {
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

function Exchange({ request, answer }: { request: NonNullable<TimelineStep["request"]>; answer: TimelineStep["answer"] }) {
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
      {request.changed && <p class="hint">The webhook's settings have changed since then; the current ones are shown.</p>}
    </details>
  );
}
