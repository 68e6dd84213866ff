// How every form ends: why the last try was refused, and the buttons. Where a field of the form shows the reason, the
// focus goes there and the reason is not repeated.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api";
import type { Action } from "./action";
import { Refusal } from "./refusal";

const CHANGED_MEANWHILE = 412;

interface Props {
  action: Action;
  verb: string; // on the button that submits
  blocked?: boolean; // what was filled in cannot be sent yet
  reread?: () => void; // begins anew with what is stored now
  onClose: () => void;
}

export function Ending({ action, verb, blocked = false, reread, onClose }: Props) {
  const buttons = useRef<HTMLDivElement>(null);
  const [marked, setMarked] = useState(false);
  const { error } = action;
  useLayoutEffect(() => {
    const field = error?.field ? buttons.current?.closest("form")?.querySelector<HTMLElement>("[aria-invalid=true]") : null;
    field?.focus();
    setMarked(!!field);
  }, [error]);
  const shown = error && marked ? new ApiError(error.status, "See the marked field.", error.operation, error.retryAfter) : error;
  return (
    <>
      <Refusal error={shown} again={error?.status === CHANGED_MEANWHILE && !marked ? reread : undefined} verb="Discard mine and read again" />
      <div class="buttons" ref={buttons}>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={action.busy || blocked}>
          {verb}
        </button>
      </div>
    </>
  );
}
