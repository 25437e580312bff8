import type { Client } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import type { ResultOf, VariablesOf } from '../graphql/graphql.ts';
import { CancelMutation } from './cancel-task.tsx';

export const StartSync = graphql(`
  mutation StartSync($input: RepositorySyncInput!) {
    repositorySync(input: $input) {
      task {
        id
        state
        dryRun
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export type SyncInput = VariablesOf<typeof StartSync>['input'];
export type SyncAnswer = ResultOf<typeof StartSync>['repositorySync'];

const RETRY_MS = 250;

/** Starts a sync; a dry run that is in its way is canceled first. */
export async function startSync(client: Client, input: SyncInput, signal?: AbortSignal) {
  for (;;) {
    const result = await client.mutation(StartSync, { input }, { quiet: input.dryRun === true }).toPromise();
    const answer = result.data?.repositorySync;
    const running = answer?.userErrors.some(({ code }) => code === 'SYNC_ALREADY_RUNNING')
      ? answer.task
      : undefined;
    if (running == null || !running.dryRun || signal?.aborted === true) return result;
    await cancelQuietly(client, running.id);
    await new Promise((done) => setTimeout(done, RETRY_MS));
  }
}

export async function cancelQuietly(client: Client, id: string): Promise<void> {
  await client.mutation(CancelMutation, { input: { id } }, { quiet: true }).toPromise();
}
