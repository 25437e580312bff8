import { p } from '@mikro-orm/postgresql';

/** A key that PostgreSQL numbers. */
export const autoId = p.bigint('number').primary().autoincrement();

export const key = p.bigint('number').primary();

/** The time of the insert. */
export const createdAt = p
  .datetime()
  .onCreate(() => new Date())
  .defaultRaw('now()');

export const timestamps = { createdAt, updatedAt: createdAt.onUpdate(() => new Date()) };

/** A count that starts at 0. */
export const count = p.integer().default(0);

/** What Temporal had last of something that runs by itself. */
export const temporalState = {
  temporalFingerprint: p.text().nullable(),
  /** Why Temporal refused it. */
  temporalProblem: p.text().nullable(),
  temporalSeenAt: p.datetime().nullable(),
  /** Next runs as Temporal last listed them; some may have passed. */
  nextRunAts: p
    .array((time) => new Date(time))
    .columnType('timestamptz[]')
    .default([]),
};
