// Shows why something did not work: the server's text, and the operation's id for finding it in the logs. If a field of the same
// form or panel shows the reason, that field gets the focus and the reason is not repeated.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api";

const CAUSES: Record<number, string> = {
  0: "No connection",
  401: "You are logged out",
  409: "This conflicts with what is stored",
  412: "Somebody else changed this",
  429: "Too many requests",
  503: "The service is busy, or something it needs is down",
  504: "No answer in time",
};

// The server's text is enough for these; a title would only repeat it.
const SELF_EVIDENT = [403, 404];

// "no message is called x" → "No message is called x."; a field's name before a colon stays as it is.
function sentence(text: string): string {
  const begins = /^[\w.[\]*-]+: /.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begins) ? begins : `${begins}.`;
}

interface Props {
  error: ApiError | undefined;
  again?: (() => void) | undefined;
  verb?: string; // on the button that tries again
}

export function Refusal({ error, again, verb = "Try again" }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [marked, setMarked] = useState(false);
  useLayoutEffect(() => {
    const field = error?.field ? place.current?.closest("form, section")?.querySelector<HTMLElement>("[aria-invalid=true]") : null;
    field?.focus();
    setMarked(!!field);
  }, [error]);
  if (!error) return null;
  return (
    <div class="refusal" role="alert" ref={place}>
      <p>
        {!SELF_EVIDENT.includes(error.status) && (
          <strong>{CAUSES[error.status] ?? (error.status < 500 ? "This was refused" : "The server failed")}. </strong>
        )}
        <span class="detail">{marked ? "See the marked field." : sentence(error.detail)}</span>
        {error.retryAfter !== undefined && <span> Try again in {error.retryAfter} s.</span>}
      </p>
      {error.operation && (
        <p class="faint">
          Operation <code>{error.operation}</code>
        </p>
      )}
      {again && !marked && (
        <button type="button" onClick={again}>
          {verb}
        </button>
      )}
    </div>
  );
}
