import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Viewer } from '../access/viewer.ts';
import type { Em } from '../db/open-database.ts';
import type { Mistake } from './mistakes.ts';

/** Who asks for a change, and the database that it is made in. */
export interface Operator {
  readonly em: Em;
  readonly viewer: Viewer;
  /** Whether the transaction of `em` is undone as soon as one operation in it has mistakes. Then operations need no savepoints. */
  readonly isUndoneByMistakes?: boolean;
}

/** The result of an operation: its value, or the caller's mistakes. With mistakes nothing has changed. */
export type Outcome<T> =
  | { readonly value: T; readonly mistakes?: never }
  | { readonly mistakes: Mistake[]; readonly value?: never };

export function done<T>(value: T): Outcome<T> {
  return { value };
}

export function refused<T>(...mistakes: readonly Mistake[]): Outcome<T> {
  return { mistakes: [...mistakes] };
}

/** Something that the caller names by an id: its key, and the mistake where there is none. */
export interface Reference {
  /** Undefined where the text is no id of that kind. */
  readonly key: number | undefined;
  /** As it was received. */
  readonly text: string;
  /** The field of the input. */
  readonly field: string;
}

/**
 * Runs an operation in one transaction, which is undone where there are mistakes. Of two callers that find a name free, the database decides
 * who was first; the other gets `taken`. Within a transaction of the operator's, it is a savepoint of that one, or none where mistakes undo all.
 * @throws Refusal Where mistakes undo all, and PostgreSQL takes no more statements.
 */
export async function inTransaction<T>(
  { em, isUndoneByMistakes = false }: Operator,
  work: (em: Em) => Promise<Outcome<T>>,
  taken?: () => Mistake,
): Promise<Outcome<T>> {
  try {
    // a fork, since a flush compares all rows that an entity manager holds
    if (isUndoneByMistakes) return await work(em.fork({ keepTransactionContext: true }));
    const own = em.isInTransaction() ? em : em.fork();
    return await own.transactional(
      async (transaction) => {
        const outcome = await work(transaction);
        if (outcome.mistakes !== undefined) throw new Refusal(outcome.mistakes);
        return outcome;
      },
      { clear: true },
    );
  } catch (error) {
    if (error instanceof Refusal && !isUndoneByMistakes) return refused(...error.mistakes);
    if (taken === undefined || !(error instanceof UniqueConstraintViolationException)) throw error;
    if (isUndoneByMistakes) throw new Refusal([taken()]);
    return refused(taken());
  }
}

/** Carries mistakes out of a transaction that has to be undone. */
export class Refusal extends Error {
  readonly mistakes: Mistake[];

  constructor(mistakes: Mistake[]) {
    super('refused');
    this.mistakes = mistakes;
  }
}
