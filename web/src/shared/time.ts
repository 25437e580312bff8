const units = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
] as const;

/** `just now`, `12 min ago`, `in 2 h`, `3 d ago`; a date after 30 days. */
export function relativeTime(at: string, now: number): string {
  const seconds = Math.round((now - Date.parse(at)) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 10) return 'just now';
  if (distance > 30 * 86_400) return new Date(at).toLocaleDateString(undefined, { dateStyle: 'medium' });
  const text = span(distance);
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

/** `45 s`, `12 min`, `5 h`, `3 d`. */
export function span(seconds: number): string {
  const unit = units.find((candidate) => seconds >= candidate.seconds);
  return unit === undefined
    ? `${Math.round(seconds)} s`
    : `${Math.floor(seconds / unit.seconds)} ${unit.name}`;
}

export function exactTime(at: string): string {
  return new Date(at).toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' });
}

/** `10:02` for today, `Mon 10:02` within a week, else the date. */
export function clockTime(at: string, now = Date.now()): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(now).toDateString()) return time;
  if (now - date.getTime() < 6 * 86_400_000)
    return `${date.toLocaleDateString(undefined, { weekday: 'short' })} ${time}`;
  return `${date.toLocaleDateString(undefined, { month: 'short', day: 'numeric' })} ${time}`;
}
