import { expect, test } from 'vitest';
import { Repository } from '../../src/db/schema/repositories.ts';
import { Schedule } from '../../src/db/schema/schedules.ts';
import { Task } from '../../src/db/schema/tasks.ts';
import { forbidPrivateUpstreams } from '../../src/db/access/private-upstreams.ts';
import { useTestDatabase } from '../support/servers/test-database.ts';

const database = useTestDatabase();

test('private upstreams of a local server are refused once others can reach it', async () => {
  const em = database.em.fork();
  const repository = em.create(Repository, { name: 'private/upstreams' });
  await em.flush();
  const argumentsOf = { mirror: false, confirmRemoval: false, dryRun: false, allowPrivate: true };
  const schedule = em.create(Schedule, {
    repositoryId: repository.id,
    intervalSeconds: 3_600,
    timeZone: 'UTC',
    jitterSeconds: 0,
    catchupWindowSeconds: 60,
    mirror: false,
    allowPrivate: true,
    paused: false,
  });
  const task = em.create(Task, {
    name: 'repository.sync',
    repositoryId: repository.id,
    workflowId: 'sync/private',
    arguments: argumentsOf,
  });
  await em.flush();

  await forbidPrivateUpstreams(database.em.fork());

  const after = database.em.fork();
  expect(await after.findOneOrFail(Schedule, { id: schedule.id })).toMatchObject({ allowPrivate: false });
  const { arguments: left } = await after.findOneOrFail(Task, { id: task.id });
  expect(left).toEqual({ ...argumentsOf, allowPrivate: false });
});
