// A modal dialog: the browser's own, so that focus stays inside, Escape closes it and focus goes back to whoever
// opened it. Escape does not throw away what was typed: it must be pressed twice then.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props {
  title: string;
  onClose: () => void;
  sticky?: boolean; // Escape does not close it: what it shows is not shown again
  wide?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, sticky, wide, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const typed = useRef(false);
  const [warned, setWarned] = useState(false);
  const id = useId();
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close(); // while it is still in the document: focus goes back
      if (document.activeElement === document.body) document.querySelector<HTMLElement>("h1")?.focus();
    };
  }, []);
  function cancel(event: Event) {
    event.preventDefault();
    if (sticky) return;
    if (typed.current && !warned) setWarned(true);
    else onClose();
  }
  return (
    <dialog
      ref={dialog}
      class={wide ? "wide" : undefined}
      aria-labelledby={id}
      onInput={() => {
        typed.current = true;
        setWarned(false);
      }}
      onCancel={cancel}
    >
      <h2 id={id}>{title}</h2>
      {children}
      {warned && (
        <p class="warning" role="alert" ref={(said) => said?.scrollIntoView()}>
          What you typed is not saved. Press Escape again to discard it.
        </p>
      )}
    </dialog>
  );
}
