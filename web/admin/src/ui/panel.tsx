// What every panel looks like: its title, what it is for, its main action, and its content or why there is none.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Loaded } from "../load";
import { Refusal } from "./refusal";

// The first panel of a visit leaves the focus at the top of the page, where Tab begins; each later one takes it.
let visited = false;

// The document's title changes with the heading, before anything is painted. No title: the application's own.
export function useTitle(title?: string): void {
  useLayoutEffect(() => {
    document.title = title ? `${title} · Nexus administration` : "Nexus administration";
  }, [title]);
}

// For the first heading of whatever stands where a panel does.
export function useHeading(title: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  useTitle(title);
  useLayoutEffect(() => {
    if (visited) heading.current?.focus();
    visited = true;
  }, [title]);
  return heading;
}

interface Props<T> {
  title: string;
  purpose: string;
  action?: ComponentChildren;
  above?: ComponentChildren; // what chooses what is read; it stays when that was refused
  loaded: Loaded<T>;
  children: (data: T) => ComponentChildren;
}

export function Panel<T>({ title, purpose, action, above, loaded, children }: Props<T>) {
  const heading = useHeading(title);
  // When it is read again, what had the focus may have gone with the row it stood in.
  const readBefore = useRef(false);
  useEffect(() => {
    const again = readBefore.current;
    readBefore.current = loaded.data !== undefined;
    if (again && loaded.data !== undefined && document.activeElement === document.body && !document.querySelector("dialog[open]"))
      heading.current?.focus({ preventScroll: true });
  }, [loaded.data]);
  return (
    <section aria-busy={loaded.busy}>
      <header class="panel">
        <div>
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          <p class="faint">{purpose}</p>
        </div>
        {action}
      </header>
      {above}
      <Refusal error={loaded.error} again={() => void loaded.again()} />
      {loaded.data !== undefined ? children(loaded.data) : loaded.error ? null : <Waiting />}
    </section>
  );
}

// The action of a panel whose content changes by itself.
export function ReadAgain<T>({ loaded }: { loaded: Loaded<T> }) {
  return (
    <button type="button" disabled={loaded.busy} onClick={() => void loaded.again()}>
      Read again
    </button>
  );
}

// The place of what is still being read.
export function Waiting() {
  return (
    <div class="waiting" role="status">
      <span class="unseen">Loading</span>
      <i />
      <i />
      <i />
    </div>
  );
}
