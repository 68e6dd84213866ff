// Shows a key for the first and last time. It is shown in a field that can be selected, because a page has
// no access to the clipboard over plain http.
import { useRef, useState } from "preact/hooks";
import { announce } from "../announce";
import { Dialog } from "./dialog";

interface Props {
  title: string;
  secret: string;
  onClose: () => void;
}

export function CopyOnce({ title, secret, onClose }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState(false);
  async function copy() {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(secret);
    } catch {
      if (!document.execCommand("copy")) return;
    }
    setCopied(true);
    announce("Key copied.");
  }
  return (
    <Dialog title={title} onClose={onClose} sticky>
      <p>
        Copy this key now. <strong>It is not shown again</strong>: only its fingerprint is stored.
      </p>
      <div class="secret">
        <input ref={field} class="code" aria-label="The new key" readOnly value={secret} onFocus={(event) => event.currentTarget.select()} />
        <button type="button" class="primary" onClick={() => void copy()}>
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          I have stored it
        </button>
      </div>
    </Dialog>
  );
}
