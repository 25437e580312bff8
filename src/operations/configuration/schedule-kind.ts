import { may } from '../../access/viewer.ts';
import { findByNames } from '../../db/configuration/named-things.ts';
import { Schedule } from '../../db/schema/schedules.ts';
import type { Em } from '../../db/open-database.ts';
import type { Operator } from '../operation.ts';
import { createSchedule, deleteSchedule, setPaused, updateSchedule } from '../schedules/schedules.ts';
import type { NewSchedule, ScheduleChanges } from '../schedules/schedules.ts';
import type { Values } from './configuration.ts';
import { readNames, referTo } from './find-named.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind, Reader, Which } from './kind.ts';

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
  references: { remote: 'REMOTE' },
  async read(reader, which) {
    const rows = await readRows(reader, which);
    const { em, viewer } = reader;
    const repositories = await readNames(
      em,
      viewer,
      'REPOSITORY',
      rows.map(({ repositoryId }) => repositoryId),
    );
    const remotes = await readNames(
      em,
      viewer,
      'REMOTE',
      rows.map(({ remoteId }) => remoteId),
    );
    return rows.flatMap((row) => {
      const name = repositories.get(row.repositoryId);
      if (name === undefined) return [];
      const plain = Object.keys(scheduleKind.defaults).filter((field) => field in row);
      const values = {
        ...Object.fromEntries(plain.map((field) => [field, row[field as keyof Schedule] ?? null])),
        remote: remotes.get(row.remoteId ?? 0) ?? null,
      };
      return [{ id: row.id, name, values }];
    });
  },
  async create(operator, deps, values) {
    const repository = await referTo(operator.em, 'REPOSITORY', 'repository', values['repository']);
    const fields = { ...(await toFields(operator.em, values)), repository };
    return createSchedule(operator, deps, fields as NewSchedule);
  },
  async update(operator, deps, { thing, changes }) {
    const { paused, note, ...others } = changes;
    if (typeof paused === 'boolean') {
      const outcome = await setPaused(operator, deps, thing, { paused, note: undefined });
      if (outcome.mistakes !== undefined) return outcome;
    }
    const given = { ...others, ...('note' in changes && { note }) };
    return updateSchedule(operator, deps, thing, await toFields(operator.em, dropEmptyTimes(given)));
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

async function toFields(em: Em, values: Values): Promise<ScheduleChanges> {
  const { remote, repository: _, ...plain } = values;
  return { ...plain, remote: await referTo(em, 'REMOTE', 'remote', remote) };
}

/** Of cron and intervalSeconds, the given one replaces the other. */
function dropEmptyTimes(values: Values): Values {
  const times = ['cron', 'intervalSeconds'];
  return Object.fromEntries(
    Object.entries(values).filter(([field, value]) => value !== null || !times.includes(field)),
  );
}
