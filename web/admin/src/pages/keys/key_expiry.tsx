// The expiry of a key: never, a given time, or some days from now.
import { useState } from "preact/hooks";
import { call } from "../../api";
import type { Apikey } from "../../openapi";
import { useAction } from "../../ui/action";
import { Dialog } from "../../ui/dialogs/dialog";
import { Ending } from "../../ui/forms/ending";
import { faultOf, TextField } from "../../ui/forms/field";
import { localText } from "../../ui/lists/moment";
import { PATH } from "./key";

const STEPS = [
  [30, "30 days"],
  [90, "90 days"],
  [365, "1 year"],
] as const;

interface Props {
  of: Apikey;
  onDone: () => void;
  onClose: () => void;
}

export function KeyExpiry({ of, onDone, onClose }: Props) {
  const action = useAction();
  const [text, setText] = useState(of.expires ? localText(new Date(of.expires)) : "");

  // The days are added to the present expiry, or to now if there is none or it has passed.
  function extend(days: number) {
    const from = Math.max(Date.now(), text ? new Date(text).getTime() : 0);
    setText(localText(new Date(from + days * 86_400_000)));
  }
  async function submit(event: Event) {
    event.preventDefault();
    const expires = text ? new Date(text).toISOString() : false;
    if (await action.run(() => call("PUT", `${PATH}/${of.id}`, { body: { expires } }))) onDone();
  }
  return (
    <Dialog title={`Expiry of “${of.name}”`} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <TextField
          label="Expires"
          type="datetime-local"
          hint="In your local time. Empty means never."
          value={text}
          onText={setText}
          fault={faultOf(action.error, "expires")}
        />
        <div class="actions" role="group" aria-label="Extend by">
          {STEPS.map(([days, title]) => (
            <button key={days} type="button" onClick={() => extend(days)}>
              + {title}
            </button>
          ))}
          <button type="button" disabled={!text} onClick={() => setText("")}>
            Never
          </button>
        </div>
        <Ending action={action} verb="Save" onClose={onClose} />
      </form>
    </Dialog>
  );
}
