// Reads from the server when a panel opens, and again on request.
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";

export interface Loaded<T> {
  data: T | undefined; // the last answer; it stays while reading again
  error: ApiError | undefined;
  busy: boolean;
  again: () => Promise<void>;
}

// changes: the values that the request depends on. An answer that arrives after a change is discarded.
export function useLoaded<T>(read: () => Promise<T>, changes: unknown[]): Loaded<T> {
  const [state, set] = useState<{ data: T | undefined; error: ApiError | undefined; busy: boolean }>({
    data: undefined,
    error: undefined,
    busy: true,
  });
  const turn = useRef(0);
  const again = useCallback(async () => {
    const mine = ++turn.current;
    set((before) => ({ ...before, busy: true }));
    try {
      const data = await read();
      if (mine === turn.current) set({ data, error: undefined, busy: false });
    } catch (error) {
      if (mine === turn.current) set({ data: undefined, error: asApiError(error), busy: false });
    }
  }, changes);
  // Before anything is painted, so that old rows are never shown for the new request.
  useLayoutEffect(() => {
    void again();
    return () => void turn.current++;
  }, changes);
  return { ...state, again };
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, String(error), undefined, undefined);
}
