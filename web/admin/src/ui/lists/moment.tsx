// Times in the format and time zone of the browser; the exact time is in the tooltip.
const MINUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const SECOND = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export function Moment({ time, day, seconds }: { time: string | null | undefined; day?: boolean; seconds?: boolean }) {
  const parsed = time ? new Date(time) : undefined;
  if (!time || !parsed || Number.isNaN(parsed.getTime())) return <>—</>;
  return (
    <time class={day ? undefined : "clock"} dateTime={time} title={time}>
      {(day ? DAY : seconds ? SECOND : MINUTE).format(parsed)}
    </time>
  );
}

// For <input type="datetime-local">, which knows no zone: "2026-11-24T23:40".
export function localText(time: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}T${two(time.getHours())}:${two(time.getMinutes())}`;
}
