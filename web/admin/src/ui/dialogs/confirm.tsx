// Asks before an action that cannot be undone.
import type { ComponentChildren } from "preact";
import { useAction } from "../action";
import { Dialog } from "./dialog";
import { Refusal } from "../refusal";

interface Props {
  title: string;
  verb: string; // on the button
  danger?: boolean;
  work: () => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
  children: ComponentChildren;
}

export function Confirm({ title, verb, danger = true, work, onDone, onClose, children }: Props) {
  const action = useAction();
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <Refusal error={action.error} />
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class={danger ? "danger" : "primary"}
          disabled={action.busy}
          onClick={async () => {
            if (await action.run(work)) onDone();
          }}
        >
          {verb}
        </button>
      </div>
    </Dialog>
  );
}
