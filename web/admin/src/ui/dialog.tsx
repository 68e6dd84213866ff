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
  function touch() {
    typed.current = true;
    setWarned(false);
  }
  return (
    <dialog
      ref={dialog}
      class={wide ? "wide" : undefined}
      aria-labelledby={id}
      onInput={touch}
      // Before the button that was pressed has gone with what it takes away, and the focus with it.
      onClickCapture={({ target }) => {
        if (!(target instanceof Element) || !target.closest("form button[type=button]:not(.buttons *)")) return;
        touch();
        setTimeout(() => document.activeElement === document.body && dialog.current?.querySelector("h2")?.focus());
      }}
      onCancel={cancel}
    >
      <h2 id={id} tabIndex={-1}>{title}</h2>
      {children}
      {warned && (
        <p class="warning" role="alert" ref={(said) => said?.scrollIntoView()}>
          What you typed is not saved. Press Escape again to discard it.
        </p>
      )}
    </dialog>
  );
}
