// The filter of undelivered messages: reason, number, and time of failure. The same filter selects the messages that are shown and
// those that a replay sends.
import type { ApiError } from "../../api";
import type { UndeliveredDestination } from "../../openapi";
import { faultOf, SelectField, TextField } from "../../ui/forms/field";

// from, to: as the inputs have them
export type Filter = Record<"reason" | "channel" | "from" | "to", string>;

export const NO_FILTER: Filter = { reason: "", channel: "", from: "", to: "" };

export function isOpen(filter: Filter): boolean {
  return Object.values(filter).every((text) => text === "");
}

export function filterQuery(filter: Filter): Record<string, string> {
  const time = (text: string) => (text ? new Date(text).toISOString() : "");
  const body = { ...filter, from: time(filter.from), to: time(filter.to) };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== ""));
}

export function filterText(filter: Filter): string {
  const parts = [
    filter.reason && `failed for “${filter.reason}”`,
    filter.channel && `of ${filter.channel}`,
    filter.from && `since ${filter.from.replace("T", " ")}`,
    filter.to && `before ${filter.to.replace("T", " ")}`,
  ];
  return `All undelivered messages ${parts.filter(Boolean).join(", ")}, also those not shown`;
}

interface Props {
  filter: Filter;
  onFilter: (filter: Filter) => void;
  groups: UndeliveredDestination[];
  error: ApiError | undefined;
}

const REASONS = ["refused", "exhausted", "expired", "uncertain", "gone", "forbidden_address"];

export function FilterForm({ filter, onFilter, groups, error }: Props) {
  const choices = (word: string, values: string[], now: string): [string, string][] => [
    ["", word],
    ...[...new Set([...values, ...(now ? [now] : [])])].map((value): [string, string] => [value, value.replace("_", " ")]),
  ];
  return (
    <div class="filter" role="group" aria-label="Filter">
      <SelectField label="Reason" value={filter.reason} choices={choices("any", REASONS, filter.reason)} onText={(reason) => onFilter({ ...filter, reason })} />
      <SelectField
        label="Number"
        value={filter.channel}
        choices={choices("any", groups.map(({ channel }) => channel).sort(), filter.channel)}
        onText={(channel) => onFilter({ ...filter, channel })}
      />
      <TextField
        label="Failed since"
        type="datetime-local"
        value={filter.from}
        fault={faultOf(error, "from")}
        onText={(from) => onFilter({ ...filter, from })}
      />
      <TextField label="Failed before" type="datetime-local" value={filter.to} fault={faultOf(error, "to")} onText={(to) => onFilter({ ...filter, to })} />
    </div>
  );
}
