import { may } from '../../access/viewer.ts';
import { findByNames } from '../../db/configuration/named-things.ts';
import { Schedule } from '../../db/schema/schedules.ts';
import type { Operator } from '../operation.ts';
import { createSchedule, deleteSchedule, setPaused, updateSchedule } from '../schedules/schedules.ts';
import type { NewSchedule } from '../schedules/schedules.ts';
import { readReferences, toReferences } from './find-named.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind, Reader, Which } from './kind.ts';
import { columnsOf, dropOtherTime } from './values.ts';

const references = { remote: 'REMOTE' } as const;
/** A schedule is below its repository. */
const allReferences = { ...references, repository: 'REPOSITORY' } as const;

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
    const named = await readReferences(reader, allReferences, rows);
    return rows.flatMap((row, index) => {
      const { repository = null, ...others } = named[index] ?? {};
      if (repository === null) return [];
      const values = { ...columnsOf(row, scheduleKind.defaults), ...others };
      return [{ id: row.id, name: repository, values }];
    });
  },
  async create(operator, deps, values) {
    const fields = { ...values, ...(await toReferences(operator.em, allReferences, values)) };
    return createSchedule(operator, deps, fields as NewSchedule);
  },
  async update(operator, deps, { thing, changes }) {
    const { paused, ...others } = changes;
    if (typeof paused === 'boolean') {
      const outcome = await setPaused(operator, deps, thing, { paused, note: undefined });
      if (outcome.mistakes !== undefined) return outcome;
    }
    const given = { ...dropOtherTime(others), ...(await toReferences(operator.em, references, others)) };
    return updateSchedule(operator, deps, thing, given);
  },
  remove: (operator: Operator, deps, thing) => deleteSchedule(operator, deps, thing),
};

/** `names` are those of repositories. */
async function readRows({ em, viewer }: Reader, which: Which): Promise<Schedule[]> {
  if (!('names' in which)) return em.find(Schedule, whereOf(which, 'id'), inOrderOfIds);
  const found = await findByNames(em, 'REPOSITORY', which.names);
  const ids = found.filter(({ name }) => may(viewer, 'reader', name)).map(({ id }) => id);
  return em.find(Schedule, { repositoryId: { $in: ids } }, inOrderOfIds);
}
