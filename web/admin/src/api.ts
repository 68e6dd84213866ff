// All requests of the pages go through call(). It sends the session's cookie, adds to writes the token that proves that the
// request comes from the page, and turns every kind of error into an ApiError.
import type { Health } from "./openapi";

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer at all
    readonly detail: string,
    readonly operation: string | undefined,
    readonly retryAfter: number | undefined, // seconds
  ) {
    super(detail);
  }

  // "secret.channels[0].webhook.secret: missing" names a field and the rule it breaks.
  get field(): { path: string; rule: string } | undefined {
    const parts = /^([A-Za-z][\w:*-]*(?:\.[\w:*-]+|\[\d+\])*): (.+)$/s.exec(this.detail);
    return parts?.[1] && parts[2] ? { path: parts[1], rule: parts[2] } : undefined;
  }
}

export interface Call {
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  tenant?: string | undefined; // the contact center an operator acts for
  repeatable?: string; // identifies this POST, so that repeating it has no second effect
  replaces?: string | null; // the version to be replaced or deleted; null: nothing may be stored yet
}

export interface Versioned<T> {
  data: T;
  version: string | null; // null: nothing is stored yet
}

let writeToken = "";
let sessionEnded: () => void = () => undefined;

export function useSession(csrf: string, ended: () => void): void {
  writeToken = csrf;
  sessionEnded = ended;
}

// Unique enough to name a request; crypto.randomUUID() is missing on plain http.
export function freshName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function call<T>(method: string, path: string, options: Call = {}): Promise<T> {
  return (await versioned<T>(method, path, options)).data;
}

// The same, with the version of the data.
export async function versioned<T>(method: string, path: string, options: Call = {}): Promise<Versioned<T>> {
  const headers: Record<string, string> = { accept: "application/problem+json, application/json" };
  if (method !== "GET") headers["x-csrf-token"] = writeToken;
  if (options.tenant) headers["x-ccid"] = options.tenant;
  if (options.repeatable) headers["idempotency-key"] = options.repeatable;
  if (options.replaces) headers["if-match"] = options.replaces;
  if (options.replaces === null) headers["if-none-match"] = "*";
  if (options.body !== undefined) headers["content-type"] = "application/json";

  const body = options.body === undefined ? null : JSON.stringify(options.body);
  const { response, answer } = await sent(withQuery(path, options.query), { method, headers, body });
  if (!response.ok) {
    if (response.status === 401) sessionEnded();
    throw refusal(response, answer);
  }
  return { data: unwrapped(answer) as T, version: response.headers.get("etag") };
}

// Red health is answered with 503, which is no error here.
export async function health(): Promise<Health> {
  const { response, answer } = await sent("/health/detail");
  if (!isObject(answer) || typeof answer["state"] !== "string") throw refusal(response, answer);
  return answer as unknown as Health;
}

// The answer is undefined if it is not JSON.
async function sent(path: string, request: RequestInit = {}): Promise<{ response: Response; answer: unknown }> {
  let response: Response;
  try {
    response = await fetch(path, { ...request, credentials: "same-origin", cache: "no-store", redirect: "error" });
  } catch {
    throw new ApiError(0, "The server cannot be reached.", undefined, undefined);
  }
  return { response, answer: await response.json().catch(() => undefined) };
}

function withQuery(path: string, query: Call["query"]): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined && value !== "") words.set(name, String(value));
  return words.size ? `${path}?${words}` : path;
}

// The envelope {status, data, operationId} has the result in data; some answers, such as a key, have no envelope.
function unwrapped(answer: unknown): unknown {
  return isObject(answer) && isObject(answer["status"]) && "data" in answer ? answer["data"] : answer;
}

// The reason is in "detail" of problem+json, or in status.message of the envelope.
function refusal(response: Response, answer: unknown): ApiError {
  const body = isObject(answer) ? answer : {};
  const status = isObject(body["status"]) ? body["status"] : {};
  const detail = [body["detail"], status["message"], body["title"]].find((text) => typeof text === "string" && text !== "");
  const after = Number(response.headers.get("retry-after") ?? NaN);
  return new ApiError(
    response.status,
    typeof detail === "string" ? detail : `The server answered ${response.status}.`,
    typeof body["operationId"] === "string" ? body["operationId"] : undefined,
    Number.isFinite(after) ? after : undefined,
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
