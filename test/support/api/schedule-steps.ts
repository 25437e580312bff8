import { randomInt } from 'node:crypto';
import { pino } from 'pino';
import { startReconciler } from '../../../src/api/temporal/reconcile-tasks.ts';
import { readScheduleStates } from '../../../src/db/reads/read-schedules.ts';
import { until } from '../until.ts';
import { startApi } from './api-server.ts';
import type { ApiUnderTest } from './api-server.ts';

/** Temporal's ids of schedules hold the repository's, and all tests share one Temporal. */
export async function openApi(options: Parameters<typeof startApi>[0] = {}): Promise<ApiUnderTest> {
  const opened = await startApi(options);
  await opened.sql(`alter table repository alter column id restart with ${randomInt(1, 2 ** 40)}`);
  return opened;
}

const fields = `id cron intervalSeconds timeZone jitterSeconds catchupWindowSeconds mirror paused note nextRunAts problem
  repository { name } remote { name }`;

let made = 0;

export const seenLongAgo = `update schedule_group set temporal_seen_at = now() - interval '1 hour'`;

/** Steps of tests of schedules, on the API that is open when they run. */
export function scheduleSteps(given: () => { readonly api: ApiUnderTest }) {
  function mutate(verb: string, input: object, on = given().api) {
    const selections: Record<string, string> = { Delete: 'deletedId', Trigger: 'task { id state mirror }' };
    return on.mutate(`schedule${verb}`, input, selections[verb] ?? `schedule { ${fields} }`);
  }

  async function createRepository(on = given().api, folder = 'scheduled') {
    made += 1;
    const name = `${folder}/${made}`;
    const { data } = await on.graphql(
      `mutation ($name: String!) { remoteCreate(input: { name: $name, url: "http://127.0.0.1:9", upstreamName: "a/b" }) { remote { id } } }`,
      { name },
    );
    const remoteId = data.remoteCreate.remote.id as string;
    const answer = await on.graphql(
      'mutation ($name: String!, $remoteId: ID) { repositoryCreate(input: { name: $name, remoteId: $remoteId }) { repository { id } } }',
      { name, remoteId },
    );
    return { name, remoteId, repositoryId: answer.data.repositoryCreate.repository.id as string };
  }

  /** Temporal's schedule of the only row. */
  async function temporalSchedule(on = given().api) {
    const [row] = await on.sql('select id from schedule');
    const [state] = await readScheduleStates(on.database.em.fork(), [Number(row?.['id'])]);
    return given().api.client.schedule.getHandle(state?.temporalId ?? '');
  }

  /** The reconciler, until a condition holds. */
  async function reconcileUntil(condition: () => Promise<boolean>, on = given().api): Promise<void> {
    const logger = pino({ level: 'silent' });
    const stop = startReconciler({
      database: on.database,
      workflows: given().api.workflows,
      logger,
      everyMs: 50,
    });
    await until(condition);
    await stop();
  }

  return { mutate, createRepository, temporalSchedule, reconcileUntil };
}
