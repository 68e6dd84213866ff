// Announces what just happened: one line at the foot of the page, which screen readers read aloud.
import { useEffect, useState } from "preact/hooks";

const SHOWN_MS = 6000;
let show: (text: string) => void = () => undefined;

export function announce(text: string): void {
  show(text);
}

export function Announcements() {
  const [text, set] = useState("");
  show = set;
  useEffect(() => {
    if (!text) return undefined;
    const timer = setTimeout(() => set(""), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="announcements" role="status" aria-live="polite">
      {text && <p>{text}</p>}
    </div>
  );
}
