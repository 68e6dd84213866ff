// The schemas of /openapi.json, as far as forms need them. Forms are made from what the server declares.
import { call, isObject } from "../../api";

export interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: string[];
  writeOnly?: boolean;
}

let reading: Promise<Record<string, Schema>> | undefined;

// "components": {"schemas": …}, read once.
export function schemas(): Promise<Record<string, Schema>> {
  reading ??= call<{ components: { schemas: Record<string, Schema> } }>("GET", "/openapi.json").then(
    (document) => document.components.schemas,
    (error: unknown) => {
      reading = undefined; // the next form asks again
      throw error;
    },
  );
  return reading;
}

export type Value = string | Value[] | { [name: string]: Value };

// What is filled in: empty texts, lists and objects are left out.
export function filledIn(value: Value): Value | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (Array.isArray(value)) {
    const kept = value.map(filledIn).filter((one): one is Value => one !== undefined);
    return kept.length ? kept : undefined;
  }
  const kept = Object.entries(value).flatMap(([name, one]): [string, Value][] => {
    const inside = filledIn(one);
    return inside === undefined ? [] : [[name, inside]];
  });
  return kept.length ? Object.fromEntries(kept) : undefined;
}

export function memberOf(value: Value | undefined, name: string): Value | undefined {
  return value !== undefined && typeof value === "object" && !Array.isArray(value) ? value[name] : undefined;
}

// Whether the form of this schema can show the whole value.
export function fits(schema: Schema, value: unknown): boolean {
  if (schema.type === "array") return Array.isArray(value) && value.every((one) => fits(schema.items ?? {}, one));
  if (schema.type === "object" || schema.properties)
    return isObject(value) && Object.entries(value).every(([name, one]) => {
      const member = schema.properties?.[name];
      return member !== undefined && fits(member, one);
    });
  return typeof value === "string";
}
