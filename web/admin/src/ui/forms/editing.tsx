// A dialog that edits something stored. It reads the stored value and its version when it opens, and saving names that version
// (Call.replaces). If nothing is stored yet, the form starts with the given default.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ApiError, versioned, type Versioned } from "../../api";
import { useLoaded } from "../../load";
import { Dialog } from "../dialogs/dialog";
import { Waiting } from "../panel";
import { Refusal } from "../refusal";

export interface Edited<T> extends Versioned<T> {
  reread: () => void; // reads the stored value again, after somebody else has changed it
}

interface Props<T> {
  title: string;
  wide?: boolean;
  read: () => Promise<Versioned<T>>;
  onClose: () => void;
  children: (edited: Edited<T>) => ComponentChildren;
}

export function Editing<T>({ title, wide = false, read, onClose, children }: Props<T>) {
  const [turn, setTurn] = useState(0);
  const loaded = useLoaded(async () => ({ ...(await read()), turn }), [turn]);
  const edited = loaded.data?.turn === turn ? loaded.data : undefined;
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <Refusal error={loaded.error} again={() => void loaded.again()} />
      {edited ? <div key={turn}>{children({ ...edited, reread: () => setTurn(turn + 1) })}</div> : loaded.error ? null : <Waiting />}
    </Dialog>
  );
}

// The value stored under this path, or `none` if nothing is stored. known: the list shows that something is stored.
export async function stored<T>(known: boolean, path: string, tenant: string | undefined, none: T): Promise<Versioned<T>> {
  if (!known) return { data: none, version: null };
  try {
    return await versioned<T>("GET", path, { tenant });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { data: none, version: null };
    throw error;
  }
}
