// Where in the page one is: "#/keys", or "#/<contact center>/keys" for an operator who has chosen one.
import { useEffect, useState } from "preact/hooks";

export const PANELS = ["tenants", "keys", "services", "numbers", "endpoints", "undelivered", "ledger"] as const;
export type Panel = (typeof PANELS)[number];

export interface Place {
  tenant: string | null;
  panel: Panel;
}

const CCID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function placeOf(hash: string): Place {
  const words = hash.replace(/^#\/?/, "").split("/");
  const tenant = words[0] && CCID.test(words[0]) ? words[0].toLowerCase() : null;
  const panel = PANELS.find((name) => name === words[tenant ? 1 : 0]);
  return { tenant, panel: panel ?? (tenant ? "keys" : "tenants") };
}

export function addressOf(place: Place): string {
  return place.tenant ? `#/${place.tenant}/${place.panel}` : `#/${place.panel}`;
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
