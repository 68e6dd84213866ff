// Transactions and their sections: flat objects of texts.

export type Options = Record<string, string>;
export type Sections = Record<string, Options>;

export type Transaction = "NexusServices" | "NexusEndpoints";

export function pathOf(tenant: string, transaction: Transaction, section?: string): string {
  return `/nexus/v3/provisioning/transactions/${tenant}/${transaction}${section === undefined ? "" : `/${encodeURIComponent(section)}`}`;
}

// One option as a control of a form.
export interface Field {
  option: string;
  label: string;
  hint?: string;
  kind?: "text" | "url" | "choice" | "flag"; // flag: "true" or not there
  choices?: readonly (readonly [value: string, text: string])[];
  required?: boolean;
  placeholder?: string;
}

// The rule for the part of a section's name after the prefix.
export const NAME_RULE = "[A-Za-z][A-Za-z0-9_\\-]*";

// Options that have no field in the form. They must be kept.
export function others(options: Options, fields: readonly Field[], fixed: Options): Options {
  const known = new Set([...fields.map((field) => field.option), ...Object.keys(fixed)]);
  return Object.fromEntries(Object.entries(options).filter(([name]) => !known.has(name)));
}

// Removes options whose text is empty.
export function filled(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== ""));
}
