import type { Em } from '../../../src/db/open-database.ts';
import { Schedule } from '../../../src/db/schema/schedules.ts';

/** A schedule that nothing but a test runs. */
export async function insertSchedule(
  em: Em,
  { repositoryId, mirror }: { readonly repositoryId: number; readonly mirror: boolean },
): Promise<number> {
  const row = em.create(Schedule, {
    repositoryId,
    intervalSeconds: 366 * 24 * 3600,
    timeZone: 'UTC',
    jitterSeconds: 0,
    catchupWindowSeconds: 60,
    mirror,
    allowPrivate: true,
    paused: false,
  });
  await em.flush();
  return row.id;
}
