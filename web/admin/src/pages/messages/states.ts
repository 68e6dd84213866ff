// The look of each state of a message: done, pending or failed.
const LOOKS: Record<string, string> = {
  received: "enabled",
  sent: "enabled",
  delivered: "enabled",
  read: "enabled",
  accepted: "expired",
  held: "expired",
  sending: "expired",
  uncertain: "expired",
};

export const MESSAGE_STATES = [
  "received", "accepted", "held", "sending", "sent", "delivered", "read", "failed", "expired", "opted_out", "suppressed", "cancelled", "uncertain",
] as const;

export function lookOf(state: string): string {
  return LOOKS[state] ?? "revoked";
}
