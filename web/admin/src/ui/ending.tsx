// How every form ends: why the last try was refused, and the buttons.
import type { Action } from "./action";
import { Refusal } from "./refusal";

interface Props {
  action: Action;
  verb: string; // on the button that submits
  blocked?: boolean; // what was filled in cannot be sent yet
  onClose: () => void;
}

export function Ending({ action, verb, blocked = false, onClose }: Props) {
  return (
    <>
      <Refusal error={action.error} />
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
