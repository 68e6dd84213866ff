// A modal dialog. It is the browser's own: the focus stays inside, Escape closes it, and the focus returns to the element that
// opened it. After something was typed, Escape must be pressed twice.
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
      // Runs before the button removes its own entry, which would lose the focus.
      onClickCapture={({ target }) => {
        if (!(target instanceof Element) || !target.closest("form button[type=button]:not(.buttons *)")) return;
        touch();
        setTimeout(() => document.activeElement === document.body && dialog.current?.querySelector<HTMLElement>("button, input, select, textarea")?.focus());
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
