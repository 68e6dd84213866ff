// A list that is longer than what was read of it.

interface Props {
  shown: number;
  total?: number | undefined; // nobody knows
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
