/** What an error in an activity is about, for the worker's log. Temporal gets the error's code and message only. */
export interface ErrorSubject {
  readonly task?: string;
  readonly digest?: string;
  /** Called only when the error is logged, so not for cancelled work. */
  readonly readRepository?: () => Promise<string | undefined>;
}

const subjects = new WeakMap<object, ErrorSubject>();

/** Adds to the subject of an error. Earlier entries win, because they were added closer to its source. */
export function noteSubject(error: unknown, subject: ErrorSubject): void {
  if (typeof error === 'object' && error !== null)
    subjects.set(error, { ...subject, ...subjects.get(error) });
}

export function subjectOf(error: unknown): ErrorSubject {
  return (typeof error === 'object' && error !== null ? subjects.get(error) : undefined) ?? {};
}

/** The log fields of an error. */
export async function readSubject(thrown: unknown): Promise<object> {
  const { readRepository, ...known } = subjectOf(thrown);
  const repository = await readRepository?.().catch(() => undefined);
  return { ...known, ...(repository === undefined ? {} : { repository }) };
}
