// A contact center by its name, which a table may shorten; the whole name and the id are in the tooltip. One without a name is shown by its
// id.
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api";
import type { Tenants } from "../../openapi";
import { addressOf, type Panel } from "../../place";
import type { Column } from "./table";

const LIST = "/nexus/v3/provisioning/tenants";
const AT_MOST = 1000; // the server's limit for one answer

const names = new Map<string, string>();
let reading: Promise<void> | undefined; // one for all rows that ask at the same time

async function read(): Promise<void> {
  const { tenants } = await call<Tenants>("GET", LIST, { query: { count: AT_MOST } });
  for (const { id, name } of tenants) if (name) names.set(id, name);
}

function find(): Promise<void> {
  reading ??= read()
    .catch(() => undefined) // the id is shown instead
    .finally(() => (reading = undefined));
  return reading;
}

export function Center({ id, panel }: { id: string; panel: Panel }) {
  const [name, setName] = useState(names.get(id));
  useEffect(() => {
    setName(names.get(id));
    if (!names.has(id)) void find().then(() => setName(names.get(id)));
  }, [id]);
  return (
    <a class="center" href={addressOf({ tenant: id, panel })} title={name ? `${name} ${id}` : id}>
      {name ?? <code>{id}</code>}
    </a>
  );
}

// The column with the contact center of a row. none: the text for "*".
export function ownerColumn<T>(panel: Panel, of: (row: T) => string, none = "—"): Column<T> {
  return { title: "Contact center", cell: (row) => (of(row) === "*" ? none : <Center id={of(row)} panel={panel} />) };
}
