// The place that the address names: "#/keys", or "#/<contact center>/keys" for an operator who has chosen one;
// "#/message/<id>" is about one thing of a panel; "#/undelivered?sort=attempts" says how it is shown.
import { useEffect, useState } from "preact/hooks";

const PANELS = ["overview", "messages", "conversations", "tenants", "keys", "services", "numbers", "endpoints", "undelivered", "message", "destinations", "ledger", "pipeline", "audit"] as const;
export type Panel = (typeof PANELS)[number];

export interface Place {
  tenant: string | null;
  panel: Panel;
  about?: string; // one thing of the panel
}

const CCID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function placeOf(hash: string): Place {
  const words = hash.replace(/^#\/?|\?.*$/g, "").split("/");
  const tenant = words[0] && CCID.test(words[0]) ? words[0].toLowerCase() : null;
  const [wanted, about] = words.slice(tenant ? 1 : 0);
  const panel = PANELS.find((name) => name === wanted) ?? "overview";
  return { tenant, panel, ...(about ? { about: decoded(about) } : {}) };
}

export function addressOf({ tenant, panel, about }: Place): string {
  return `#/${tenant ? `${tenant}/` : ""}${panel}${about ? `/${encodeURIComponent(about)}` : ""}`;
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word; // written by hand
  }
}

// The filter and order of a panel. They are part of the address, so that they survive a reload and can be sent to somebody. A phone
// number must never be part of it. none: the values that the address omits.
export function useKept<T extends Record<string, string>>(none: T): [T, (next: T) => void] {
  const read = () => {
    const words = new URLSearchParams(location.hash.split("?")[1]);
    return Object.fromEntries(Object.entries(none).map(([name, text]) => [name, words.get(name) ?? text])) as T;
  };
  const [kept, set] = useState(read);
  useEffect(() => {
    const moved = () => set(read());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return [
    kept,
    (next) => {
      const words = new URLSearchParams(Object.entries(next).filter(([name, text]) => text !== none[name]));
      history.replaceState(null, "", `${location.hash.split("?")[0] || "#/"}${words.size ? `?${words}` : ""}`);
      set(next);
    },
  ];
}

export function usePlace(): Place {
  const [place, move] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const moved = () => move(placeOf(location.hash));
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return place;
}
