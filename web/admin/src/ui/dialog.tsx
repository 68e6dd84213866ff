// A modal dialog: the browser's own, so that focus stays inside, Escape closes it and focus goes back to whoever
// opened it.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Props {
  title: string;
  onClose: () => void;
  sticky?: boolean; // Escape does not close it: what it shows is not shown again
  wide?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, sticky, wide, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close(); // while it is still in the document: focus goes back
      if (document.activeElement === document.body) document.querySelector<HTMLElement>("h1")?.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "wide" : undefined}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!sticky) onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
