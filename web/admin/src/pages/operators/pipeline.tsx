// The path of messages, hop by hop, for all contact centers together. It is read every two seconds while the page is visible.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, type ApiError } from "../../api";
import { asApiError, useLoaded } from "../../load";
import type { Destinations, Pipeline, PipelineHop } from "../../openapi";
import { addressOf } from "../../place";
import { announce } from "../../ui/announce";
import { Panel } from "../../ui/panel";
import { nameOf, PATH as DESTINATIONS } from "./destinations";

const EVERY_MS = 2000;
const KEPT = 60; // readings in the curve of a hop
const WORDS: Record<PipelineHop["state"], string> = { idle: "idle", good: "good", warn: "warning", bad: "bad" };

interface Watched {
  data: Pipeline | undefined;
  error: ApiError | undefined;
  busy: boolean;
  curves: Map<string, number[]>; // rates, the newest last
}

function useWatched(paused: boolean): Watched & { again: () => Promise<void> } {
  const [state, set] = useState<Watched>({ data: undefined, error: undefined, busy: true, curves: new Map() });
  const announced = useRef(new Map<string, PipelineHop["state"]>());
  // A reading that was under way when the user paused changes nothing, unless it is the first one.
  async function read(isOver = () => false) {
    try {
      const data = await call<Pipeline>("GET", "/nexus/v3/pipeline", {});
      if (!isOver()) announceChanges(announced.current, data.hops);
      set((before) => (isOver() && before.data ? before : { data, error: undefined, busy: false, curves: grown(before.curves, data.hops) }));
    } catch (reason) {
      set((before) => ({ ...before, error: asApiError(reason), busy: false })); // the last answer stays
    }
  }
  useEffect(() => {
    let timer: number | undefined;
    let over = false;
    const turn = async () => {
      if (!document.hidden) await read(() => over);
      if (!over && !paused) timer = window.setTimeout(() => void turn(), EVERY_MS);
    };
    if (!paused) void turn();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [paused]);
  return { ...state, again: () => read() };
}

// Announces to screen readers when a hop turns bad, when a bad hop changes its state, and when it is good again. announced: the last
// announced state of each hop that is not good again.
function announceChanges(announced: Map<string, PipelineHop["state"]>, hops: PipelineHop[]) {
  const news: string[] = []; // in one announcement, because a second one would replace the first
  for (const { name, title, state, why } of hops) {
    const was = announced.get(name);
    if (state === "idle" || state === "good") {
      if (announced.delete(name)) news.push(`${title} is good again.`);
    } else if (state !== was && (state === "bad" || was)) {
      announced.set(name, state);
      news.push(`${title}: ${why}.`);
    }
  }
  if (news.length) announce(news.join(" "));
}

function grown(curves: Map<string, number[]>, hops: PipelineHop[]): Map<string, number[]> {
  return new Map(hops.map(({ name, rate }) => [name, [...(curves.get(name) ?? []), rate ?? 0].slice(-KEPT)]));
}

export function PipelinePanel({ tenant }: { tenant: string | null }) {
  const [paused, setPaused] = useState(false);
  const watched = useWatched(paused);
  return (
    <Panel
      title="Pipeline"
      purpose="The path of a message through this pod, hop by hop: rates, waiting messages and errors."
      loaded={watched}
      action={
        <div class="actions">
          <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? "Resume" : "Pause"}
          </button>
        </div>
      }
    >
      {({ hops, at, intervalMs }) => (
        <>
          <ol class="pipeline">
            {hops.map((hop) => (
              <Card key={hop.name} tenant={tenant} hop={hop} curve={watched.curves.get(hop.name) ?? []} />
            ))}
          </ol>
          <p class="faint">
            Read at <time dateTime={at}>{new Date(at).toLocaleTimeString()}</time>
            {intervalMs === null ? ". Rates are shown after the second reading." : `; rates cover the last ${(intervalMs / 1000).toFixed(1)} s.`}
          </p>
        </>
      )}
    </Panel>
  );
}

function Card({ tenant, hop, curve }: { tenant: string | null; hop: PipelineHop; curve: number[] }) {
  const facts: [string, string | null][] = [
    ["errors", hop.errorRate === null ? null : `${short(hop.errorRate)}/s`],
    ["now", hop.depth === null ? null : short(hop.depth)],
    ["oldest", hop.oldestSeconds === null ? null : seconds(hop.oldestSeconds)],
    ["takes", hop.averageMs === null ? null : `${short(hop.averageMs)} ms`],
  ];
  return (
    <li class={`hop ${hop.state}`} data-hop={hop.name}>
      <h2>
        {hop.title} <span class="state">{WORDS[hop.state]}</span>
      </h2>
      <p class="rate">
        <strong>{hop.rate === null ? "…" : short(hop.rate)}</strong> /s
      </p>
      <Curve of={curve} />
      {hop.why && <p class="why">{hop.why}</p>}
      {hop.why && hop.name === "send" && <Failing key={hop.why.replace(/\d+/g, "")} tenant={tenant} />}
      <dl>
        {facts.map(([title, value]) =>
          value === null ? null : (
            <div key={title}>
              <dt>{title}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      <details>
        <summary>More</summary>
        <p class="hint">{hop.meaning}</p>
        <p class="hint">
          {hop.total.toLocaleString()} in all{hop.errors !== null && `, ${hop.errors.toLocaleString()} errors`}
        </p>
      </details>
    </li>
  );
}

const NAMED = 5;

// The failing destinations.
function Failing({ tenant }: { tenant: string | null }) {
  const { data } = useLoaded(
    () => call<Destinations>("GET", DESTINATIONS, { tenant: tenant ?? undefined, query: { state: "failing", count: NAMED } }),
    [tenant],
  );
  if (!data?.destinations.length) return null;
  return (
    <ul class="failing">
      {data.destinations.map((one) => (
        <li key={one.id}>
          <a href={addressOf({ tenant, panel: "destinations", about: "failing" })}>{nameOf(one)}</a> <span class="faint">{one.host}</span>
        </li>
      ))}
      {data.next && <li>and more</li>}
    </ul>
  );
}

// The last two minutes. The curve is decoration; the numbers show the same.
function Curve({ of: rates }: { of: number[] }) {
  const top = Math.max(...rates, 1);
  const points = rates.map((rate, i) => `${((KEPT - rates.length + i) / (KEPT - 1)) * 100},${29 - (rate / top) * 28}`).join(" ");
  return (
    <svg class="curve" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={points} />
    </svg>
  );
}

// At most three digits.
function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

function seconds(value: number): string {
  if (value >= 3600) return `${(value / 3600).toFixed(1)} h`;
  return value >= 120 ? `${(value / 60).toFixed(0)} min` : `${value.toFixed(value < 10 ? 1 : 0)} s`;
}
