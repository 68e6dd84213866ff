// An action of the user. Only one runs at a time, and its error is kept until the next try. The button of a row uses aria-disabled
// while the action runs, because a disabled button loses the focus.
import { useState } from "preact/hooks";
import type { ApiError } from "../api";
import { asApiError } from "../load";

export interface Action {
  busy: boolean;
  error: ApiError | undefined;
  run: (work: () => Promise<unknown>) => Promise<boolean>; // true: it worked
}

export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  async function run(work: () => Promise<unknown>): Promise<boolean> {
    if (busy) return false;
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (reason) {
      setError(asApiError(reason));
      return false;
    } finally {
      setBusy(false);
    }
  }
  return { busy, error, run };
}
