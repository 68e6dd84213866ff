// API keys as the server returns them.
import type { Apikey } from "../../openapi";

export const PATH = "/nexus/v3/apikeys";

// The permissions of a key, with a description for administrators.
export const PERMISSIONS: readonly (readonly [permission: string, use: string])[] = [
  ["nexus:consumer:chat", "Chat: widgets and apps of consumers"],
  ["nexus:consumer:securemail", "Secure mail: forms of consumers"],
  ["nexus:designer:chat", "Designer: bots and applications that write messages"],
  ["nexus:agent:chat", "Agents: conversations of the whole contact center"],
  ["nexus:gateway:sms", "Gateway: texts and receipts that your own SMS gateway posts"],
  ["nexus:campaign:*", "Campaigns: sending in bulk"],
  ["nexus:cluster:*", "Cluster: callbacks of the aggregator, and services"],
];

export type KeyState = "enabled" | "disabled" | "expired" | "revoked";

export function stateOf(key: Apikey): KeyState {
  if (key.revoked) return "revoked";
  if (key.expires && new Date(key.expires).getTime() <= Date.now()) return "expired";
  return key.enabled ? "enabled" : "disabled";
}

// "Website" → "Website_1" → "Website_2"
export function nextName(name: string): string {
  const parts = /^(.*)_(\d+)$/s.exec(name);
  return parts ? `${parts[1]}_${Number(parts[2]) + 1}` : `${name}_1`;
}
