// A dialog for something that is stored: it is read anew when the dialog opens, with its version, so that saving it can say
// what was seen (Call.replaces). Nothing is there yet: the form begins with what is given for that.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ApiError, versioned, type Versioned } from "../api";
import { useLoaded } from "../load";
import { Dialog } from "./dialog";
import { Waiting } from "./panel";
import { Refusal } from "./refusal";

export interface Edited<T> extends Versioned<T> {
  reread: () => void; // somebody was faster: begins anew with what is there now
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

// What is stored under this path; none, where there is nothing. known: the list has it.
export async function stored<T>(known: boolean, path: string, tenant: string | undefined, none: T): Promise<Versioned<T>> {
  if (!known) return { data: none, version: null };
  try {
    return await versioned<T>("GET", path, { tenant });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { data: none, version: null };
    throw error;
  }
}
