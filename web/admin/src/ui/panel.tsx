// The frame of every panel: title, purpose, main action, and the content or the reason why there is none.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Loaded } from "../load";
import { Refusal } from "./refusal";

// The first panel of a visit leaves the focus at the top of the page, where Tab starts; each later panel takes the focus.
let visited = false;

// The document's title changes with the heading, before anything is painted. No title: the application's own.
export function useTitle(title?: string): void {
  useLayoutEffect(() => {
    document.title = title ? `${title} · Nexus administration` : "Nexus administration";
  }, [title]);
}

// For the first heading of a panel, or of the text that is shown instead of one.
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
  above?: ComponentChildren; // the filter; it stays when reading was refused
  loaded: Loaded<T>;
  children: (data: T) => ComponentChildren;
}

export function Panel<T>({ title, purpose, action, above, loaded, children }: Props<T>) {
  const heading = useHeading(title);
  // Reading again may remove the row that had the focus.
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

// Shown while the content is being read.
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
