// Reading something from the server when a panel opens, and again when asked to.
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";

export interface Loaded<T> {
  data: T | undefined; // what was read last, also while it is being read again
  error: ApiError | undefined;
  busy: boolean;
  again: () => Promise<void>;
}

// changes: what the reading depends on; an answer that comes after a change is thrown away.
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
  // Before anything is painted, so that old rows are never shown as if they answered the new question.
  useLayoutEffect(() => {
    void again();
    return () => void turn.current++;
  }, changes);
  return { ...state, again };
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, String(error), undefined, undefined);
}
