import { may } from '../../access/viewer.ts';
import { findByNames } from '../../db/configuration/named-things.ts';
import { Schedule } from '../../db/schema/schedules.ts';
import { createSchedule, deleteSchedule, setPaused, updateSchedule } from '../schedules/schedules.ts';
import type { NewSchedule } from '../schedules/schedules.ts';
import { readReferences, toReferences } from './find-named.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind, Reader, Which } from './kind.ts';
import { columnsOf, dropOtherTime } from './values.ts';

/** A schedule is below its repository, which a change has as a field. */
const references = { remote: 'REMOTE', repository: 'REPOSITORY' } as const;

/** A schedule is listed with its repository, whose name is the field `repository` here. */
export const scheduleKind: Kind = {
  kind: 'SCHEDULE',
  section: 'repositories',
  nameField: 'name',
  defaults: {
    cron: null,
    intervalSeconds: null,
    timeZone: 'UTC',
    jitterSeconds: 60,
    catchupWindowSeconds: 3_600,
    mirror: false,
    note: null,
    remote: null,
    paused: false,
  },
  kept: [],
  secrets: [],
  references,
  async read(reader, which) {
    const rows = await readRows(reader, which);
    const named = await readReferences(reader, references, rows);
    return rows.flatMap((row, index) => {
      const { repository = null, ...others } = named[index] ?? {};
      if (repository === null) return [];
      const values = { ...columnsOf(row, scheduleKind.defaults), ...others };
      return [{ id: row.id, name: repository, values }];
    });
  },
  create(maker, deps, values) {
    const fields = { ...values, ...toReferences(maker, references, values) };
    return createSchedule(maker, deps, fields as NewSchedule);
  },
  async update(maker, deps, { thing, changes }) {
    const { paused, ...others } = changes;
    if (typeof paused === 'boolean') {
      const outcome = await setPaused(maker, deps, thing, { paused, note: undefined });
      if (outcome.mistakes !== undefined) return outcome;
    }
    const given = { ...dropOtherTime(others), ...toReferences(maker, references, others) };
    return updateSchedule(maker, deps, thing, given);
  },
  remove: (maker, deps, thing) => deleteSchedule(maker, deps, thing),
};

/** `names` are those of repositories. */
async function readRows({ em, viewer }: Reader, which: Which): Promise<Schedule[]> {
  if (!('names' in which)) return em.find(Schedule, whereOf(which, 'id'), inOrderOfIds);
  const found = await findByNames(em, 'REPOSITORY', which.names);
  const ids = found.filter(({ name }) => may(viewer, 'reader', name)).map(({ id }) => id);
  return em.find(Schedule, { repositoryId: { $in: ids } }, inOrderOfIds);
}
