// Which undelivered messages are meant: by reason, number, and when they failed. The same filter chooses what is shown
// and what a replay sends.
import { SelectField, TextField } from "../ui/field";
import type { Failure } from "./undelivered";

export interface Filter {
  reason: string;
  channel: string;
  from: string; // as the inputs have them
  to: string;
}

export const NO_FILTER: Filter = { reason: "", channel: "", from: "", to: "" };

export function isOpen(filter: Filter): boolean {
  return Object.values(filter).every((text) => text === "");
}

export function lets(filter: Filter, failure: Failure): boolean {
  const since = new Date(failure.since);
  return (
    (filter.reason === "" || failure.reason === filter.reason) &&
    (filter.channel === "" || failure.channel === filter.channel) &&
    (filter.from === "" || since >= new Date(filter.from)) &&
    (filter.to === "" || since < new Date(filter.to))
  );
}

export function filterBody(filter: Filter): Record<string, string> {
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
  failures: Failure[];
}

export function FilterForm({ filter, onFilter, failures }: Props) {
  const choices = (word: string, values: string[]): [string, string][] => [
    ["", word],
    ...[...new Set(values)].sort().map((value): [string, string] => [value, value]),
  ];
  return (
    <div class="filter" role="group" aria-label="Filter">
      <SelectField
        label="Reason"
        value={filter.reason}
        choices={choices("any", failures.map((failure) => failure.reason))}
        onText={(reason) => onFilter({ ...filter, reason })}
      />
      <SelectField
        label="Number"
        value={filter.channel}
        choices={choices("any", failures.map((failure) => failure.channel))}
        onText={(channel) => onFilter({ ...filter, channel })}
      />
      <TextField label="Failed since" type="datetime-local" value={filter.from} onText={(from) => onFilter({ ...filter, from })} />
      <TextField label="Failed before" type="datetime-local" value={filter.to} onText={(to) => onFilter({ ...filter, to })} />
    </div>
  );
}
