// The end of every form: the reason for the last refusal, and the buttons.
import type { Action } from "../action";
import { Refusal } from "../refusal";

const CHANGED_MEANWHILE = 412;

interface Props {
  action: Action;
  verb: string; // on the button that submits
  blocked?: boolean; // the input cannot be sent yet
  reread?: () => void; // starts again with the stored value
  onClose: () => void;
}

export function Ending({ action, verb, blocked = false, reread, onClose }: Props) {
  const { error } = action;
  return (
    <>
      <Refusal error={error} again={error?.status === CHANGED_MEANWHILE ? reread : undefined} verb="Discard my changes and read again" />
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
