import type { Command } from 'commander';
import { addClientCommand } from '../command.ts';
import type { Choose, Client } from '../command.ts';
import { formatBytes } from '../progress/format.ts';
import { localTime, printJson, printThing, showRows } from './print.ts';

interface Attention {
  readonly name: string;
  readonly freshness: string;
  readonly lastSyncedAt: string | null;
  readonly syncExpectedAt: string | null;
  readonly lastSyncError: { readonly code: string } | null;
}

interface Status {
  readonly viewer: { readonly kind: string; readonly name: string; readonly isAdmin: boolean };
  readonly estate: Readonly<
    Record<'repositories' | 'fresh' | 'late' | 'failing' | 'syncing' | 'unscheduled', number>
  > & {
    readonly storage: Readonly<Record<'logicalBytes' | 'storedBytes' | 'savedBytes', number>>;
  };
  readonly failing: { readonly nodes: readonly Attention[] };
  readonly late: { readonly nodes: readonly Attention[] };
}

const listed = 20;
const attention = 'nodes { name freshness lastSyncedAt syncExpectedAt lastSyncError { code } }';
const statusQuery = `{
  viewer { kind name isAdmin }
  estate { repositories fresh late failing syncing unscheduled storage { logicalBytes storedBytes savedBytes } }
  failing: repositories(first: ${listed}, freshness: FAILING) { ${attention} }
  late: repositories(first: ${listed}, freshness: LATE) { ${attention} }
}`;

export function addStatus(program: Command, choose: Choose): void {
  addClientCommand(program, choose, {
    usage: 'status',
    text: 'show whether the repositories are fresh, and which need attention',
    setUp: (command) =>
      command.addHelpText(
        'after',
        `\nExit code 1: a repository is failing or late. At most ${listed} of each are listed.`,
      ),
    run: async (client) => {
      const status = await client.session.request<Status>(statusQuery);
      show(client, status);
      return status.estate.failing + status.estate.late > 0 ? 1 : 0;
    },
  });
}

function show(client: Client, status: Status): void {
  const { viewer, estate, failing, late } = status;
  const repositories = [...failing.nodes, ...late.nodes];
  if (client.json) {
    printJson(client, { viewer, estate, attention: repositories });
    return;
  }
  const { storedBytes, logicalBytes } = estate.storage;
  printThing(client, 'status', status, [
    [
      'caller',
      viewer.kind === 'EVERYBODY'
        ? 'everybody; logins are off'
        : `${viewer.name}${viewer.isAdmin ? ', admin' : ''}`,
    ],
    ['repositories', estate.repositories],
    ['fresh', estate.fresh],
    ['late', estate.late],
    ['failing', estate.failing],
    ['syncing', estate.syncing],
    ['without schedule', estate.unscheduled],
    ['storage', `${formatBytes(storedBytes)} stored, ${formatBytes(logicalBytes)} logical`],
  ]);
  if (repositories.length === 0) return;
  client.terminal.print('');
  showRows(
    client,
    ['REPOSITORY', 'STATE', 'LAST SUCCESS', 'EXPECTED', 'ERROR'],
    repositories.map(({ name, freshness, lastSyncedAt, syncExpectedAt, lastSyncError }) => [
      name,
      freshness,
      localTime(lastSyncedAt),
      localTime(syncExpectedAt),
      lastSyncError?.code ?? null,
    ]),
  );
}
