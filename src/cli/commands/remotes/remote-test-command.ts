import type { Command } from 'commander';
import { findNamed, mutate } from '../../api-calls.ts';
import { addClientCommand } from '../../command.ts';
import type { Choose, Client } from '../../command.ts';
import { exitCodes } from '../../exit-codes.ts';
import { printJson, showRows } from '../print.ts';

interface RemoteTest {
  readonly passed: boolean;
  readonly steps: readonly {
    readonly name: string;
    readonly outcome: string;
    readonly message: string;
    readonly code: string | null;
  }[];
}

const fields = `passed steps { name outcome message code } address answeredInMs login tagsOnFirstPage hasMoreTags
  rateLimit { limit remaining windowSeconds resetSeconds } headManifests referrersApi pageSizeHonoured`;

const words: Readonly<Record<string, string>> = {
  REACH: 'reachable',
  TLS: 'TLS',
  LOGIN: 'login',
  LIST: 'list of tags',
  HEAD: 'HEAD',
  REFERRERS: 'referrers API',
  PAGE_SIZE: 'page size',
  RATE_LIMIT: 'rate limit',
};

export function addRemoteTest(parent: Command, choose: Choose): void {
  addClientCommand(parent, choose, {
    usage: 'test <remote>',
    text: 'try a remote without fetching anything: connection, TLS, login, list of tags, limits',
    reads: true,
    setUp: (command) => {
      command.addHelpText(
        'after',
        '\nThe server sends the requests; none of them is a pull. Exit code 1: a sync would fail.',
      );
    },
    run: (client, [name = '']) => test(client, name),
  });
}

async function test(client: Client, name: string): Promise<number> {
  const { id } = await findNamed(client.session, 'remote', name);
  const found = await mutate<RemoteTest>(client.session, 'remoteTest', {
    field: 'test',
    fields,
    input: { id },
  });
  if (client.json) printJson(client, { test: found });
  else
    showRows(
      client,
      ['STEP', 'OUTCOME', 'FOUND'],
      found.steps.map((step) => [
        words[step.name] ?? step.name,
        step.outcome,
        step.code === null ? step.message : `${step.code}: ${step.message}`,
      ]),
    );
  return found.passed ? exitCodes.done : exitCodes.failed;
}
