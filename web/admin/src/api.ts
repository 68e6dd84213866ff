// Everything the pages ask of the gateway goes through call(). It sends the session's cookie, on writes the token
// that proves the page itself is asking, and turns every kind of refusal into one ApiError.

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
  repeatable?: string; // names this POST, so that repeating it does nothing twice
  replaces?: string | null; // the version that is written over or taken away; null: nothing may be there yet
}

export interface Versioned<T> {
  data: T;
  version: string | null; // null: there is nothing yet
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

// The same, with the version of what is shown.
export async function versioned<T>(method: string, path: string, options: Call = {}): Promise<Versioned<T>> {
  const headers: Record<string, string> = { accept: "application/problem+json, application/json" };
  if (method !== "GET") headers["x-csrf-token"] = writeToken;
  if (options.tenant) headers["x-ccid"] = options.tenant;
  if (options.repeatable) headers["idempotency-key"] = options.repeatable;
  if (options.replaces) headers["if-match"] = options.replaces;
  if (options.replaces === null) headers["if-none-match"] = "*";
  if (options.body !== undefined) headers["content-type"] = "application/json";

  let response: Response;
  try {
    response = await fetch(withQuery(path, options.query), {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
    });
  } catch {
    throw new ApiError(0, "The server cannot be reached.", undefined, undefined);
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    if (response.status === 401) sessionEnded();
    throw refusal(response, answer);
  }
  return { data: unwrapped(answer) as T, version: response.headers.get("etag") };
}

export interface Health {
  state: "green" | "yellow" | "red";
  reasons?: string[];
  causes?: { code: string }[];
  queues?: { name: string; depth: number; oldestMs: number }[];
}

// Red comes with 503, and is an answer all the same.
export async function health(): Promise<Health> {
  const response = await fetch("/health/detail", { credentials: "same-origin", cache: "no-store", redirect: "error" });
  const answer: unknown = await response.json();
  if (!isObject(answer) || typeof answer["state"] !== "string") throw refusal(response, answer);
  return answer as unknown as Health;
}

function withQuery(path: string, query: Call["query"]): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined && value !== "") words.set(name, String(value));
  return words.size ? `${path}?${words}` : path;
}

// {status, data, operationId} holds what was asked for in data; a key comes bare, and its id says so.
function unwrapped(answer: unknown): unknown {
  return isObject(answer) && isObject(answer["status"]) && "data" in answer ? answer["data"] : answer;
}

// problem+json says it in detail, the documented envelope in status.message.
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
