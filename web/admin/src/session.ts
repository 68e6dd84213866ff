// Who is logged in, from GET /auth/session, and what they may do.
import { ApiError, call, useSession } from "./api";
import type { Session } from "./openapi";

// null: nobody is logged in.
export async function findSession(ended: () => void): Promise<Session | null> {
  try {
    const session = await call<Session>("GET", "/auth/session");
    useSession(session.csrf, ended);
    return session;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export async function signOut(): Promise<void> {
  await call("POST", "/auth/sign-out");
}

// "nexus:admin:*" covers "nexus:admin:keys".
export function may(session: Session, resource: string): boolean {
  const wanted = ["nexus", "admin", resource];
  return session.permissions.some((permission) => {
    const parts = permission.split(":");
    return parts.length === 3 && parts.every((part, i) => part === "*" || part === wanted[i]);
  });
}

// The page to return to after the login. The part of the address after '#' does not reach the server, so the browser keeps it.
const KEPT = "nexus.place";

export function goToLogin(): void {
  if (location.hash) sessionStorage.setItem(KEPT, location.hash);
  location.assign("/auth/login?return=/admin/");
}

export function comeBack(): void {
  const place = sessionStorage.getItem(KEPT);
  sessionStorage.removeItem(KEPT);
  if (place && !location.hash) history.replaceState(null, "", place);
}
