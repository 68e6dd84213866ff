// How every form ends: why the last try was refused, and the buttons.
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
  const { error } = action;
  return (
    <>
      <Refusal error={error} again={error?.status === CHANGED_MEANWHILE ? reread : undefined} verb="Discard mine and read again" />
      <div class="buttons">
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
