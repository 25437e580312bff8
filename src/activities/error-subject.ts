/** What an error in an activity is about: for the worker's log. Temporal is told the error's code and message alone. */
export interface ErrorSubject {
  readonly task?: string;
  readonly digest?: string;
  /** Called only where the error is logged: not for work that was cancelled or handed back. */
  readonly readRepository?: () => Promise<string | undefined>;
}

const subjects = new WeakMap<object, ErrorSubject>();

/** Adds to what is known of an error; what was noted nearer to its place stays. */
export function noteSubject(error: unknown, subject: ErrorSubject): void {
  if (typeof error === 'object' && error !== null)
    subjects.set(error, { ...subject, ...subjects.get(error) });
}

export function subjectOf(error: unknown): ErrorSubject {
  return (typeof error === 'object' && error !== null ? subjects.get(error) : undefined) ?? {};
}

/** The fields of a line about the error. */
export async function readSubject(thrown: unknown): Promise<object> {
  const { readRepository, ...known } = subjectOf(thrown);
  const repository = await readRepository?.().catch(() => undefined);
  return { ...known, ...(repository === undefined ? {} : { repository }) };
}
