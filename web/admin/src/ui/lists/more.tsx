// The button that reads more of a list.

interface Props {
  shown: number;
  total?: number | undefined; // undefined: not known
  busy: boolean;
  onMore: () => void;
}

export function More({ shown, total, busy, onMore }: Props) {
  if (total !== undefined && shown >= total) return null;
  return (
    <button type="button" class="more" disabled={busy} onClick={onMore}>
      Show more ({shown}
      {total !== undefined && ` of ${total}`})
    </button>
  );
}
