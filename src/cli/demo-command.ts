import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { buildDemoContent, changeDemoContent, demoRepositoryName } from '../demo/demo-content.ts';
import { createWorld, mirrorWorld } from '../demo/sample-estate.ts';
import { sampleQuota } from '../demo/sample-quota.ts';
import { startSampleUpstream } from '../demo/sample-upstream.ts';
import { TidemarkError } from '../oci/error.ts';
import type { Surroundings } from './surroundings.ts';
import { formatBox } from './progress/format.ts';
import { requestGraphql } from './graphql-client.ts';
import type { Interrupt } from './progress/interrupt.ts';
import { addressLines } from './run-server.ts';
import { bringUp } from './session.ts';
import type { Session } from './session.ts';
import { describeTagChanges } from './show-version.ts';
import { reportOutcome, runSync } from './sync/run-sync.ts';
import type { SyncRequest } from './sync/sync-request.ts';
import type { PlannedTag } from './progress/task-queries.ts';
import type { Terminal } from './progress/terminal.ts';

/** `tidemark demo`: a sample upstream, synced, changed, and synced again, in a folder of its own. @returns the exit code. */
export async function demoCommand(
  { config, terminal, interrupt }: Surroundings,
  keep: boolean,
): Promise<number> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'tidemark-demo-'));
    if (!keep) stops.push(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
    heading(
      terminal,
      '1. Bring everything up: PostgreSQL, Temporal, the API, a worker, and a sample upstream',
    );
    const note = (line: string): void => terminal.print(`  ${line}`);
    const server = await bringUp(demoConfig(config, dataDir), { note, signal: interrupt.signal });
    stops.push(() => server.stop());
    const content = buildDemoContent();
    const world = createWorld();
    const upstream = await startSampleUpstream({
      repositories: new Map([[demoRepositoryName, content], ...(keep ? world.repositories : [])]),
      ...(keep && { manifestHeaders: sampleQuota }),
    });
    stops.push(() => upstream.close());
    note(
      `Sample upstream ready on ${upstream.url} (${demoRepositoryName}: ${[...content.tags.keys()].join(', ')})`,
    );

    const session = demoSession(server);
    const stage = { session, terminal, interrupt, upstreamUrl: upstream.url };
    heading(terminal, `2. Sync ${demoRepositoryName}: version 1`);
    await syncOnce(stage, { mirror: false });
    const { added, moved, removed } = changeDemoContent(content);
    heading(
      terminal,
      `3. The upstream changes: ${added} comes, ${moved} moves to it, ${removed} goes. Sync with --mirror: version 2`,
    );
    await syncOnce(stage, { mirror: true });
    heading(terminal, '4. What version 2 changed; version 1 still has all that it had');
    for (const line of describeTagChanges(await readTagChanges(session, 2))) terminal.print(line);
    if (keep) {
      heading(terminal, '5. More mirrors, with versions and schedules, and one whose upstream fails');
      await mirrorWorld(world, upstream.url, (query, variables) => session.request(query, variables));
    }
    terminal.print('');
    if (keep) await keepRunning({ server, dataDir, upstreamUrl: upstream.url, terminal, interrupt });
    else
      terminal.print(
        'That was all. "npm run demo -- --keep" leaves it running to explore; "npm start" is the real thing.',
      );
    return interrupt.signal.aborted && !keep ? interrupt.exitCode() : 0;
  } finally {
    terminal.note('Stopping …');
    for (const stop of stops.toReversed()) await stop();
  }
}

/** Everything embedded, on loopback and free ports, below its own folder. */
function demoConfig(config: Config, dataDir: string): Config {
  return {
    ...config,
    dataDir,
    host: '127.0.0.1',
    port: 0,
    databaseUrl: undefined,
    temporalAddress: undefined,
    temporalNamespace: 'default',
    temporalUiUrl: undefined,
    secretKeys: [],
    secretKeyFile: undefined,
    logins: undefined,
    publicUrl: undefined,
    token: undefined,
    storageQuotaBytes: undefined,
    cacheBytes: undefined,
  };
}

function heading(terminal: Terminal, text: string): void {
  terminal.print('');
  terminal.print(text);
}

interface DemoServer {
  readonly apiUrl: string;
  readonly temporalUiUrl: string | undefined;
}

function demoSession({ apiUrl, temporalUiUrl }: DemoServer): Session {
  return {
    apiUrl: () => apiUrl,
    temporalUiUrl: () => temporalUiUrl,
    token: () => undefined,
    request: (query, variables = {}) => requestGraphql(apiUrl, { query, variables }),
    renew: () => Promise.resolve(),
    isOwn: () => true,
    close: () => Promise.resolve(),
  };
}

interface DemoStage {
  readonly session: Session;
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
  readonly upstreamUrl: string;
}

async function syncOnce(
  { session, terminal, interrupt, upstreamUrl }: DemoStage,
  { mirror }: { mirror: boolean },
): Promise<void> {
  const request: SyncRequest = {
    name: demoRepositoryName,
    url: upstreamUrl,
    upstreamName: demoRepositoryName,
    includeTags: undefined,
    tagRules: {},
    excludeTags: undefined,
    username: undefined,
    downloadConcurrency: undefined,
    policy: undefined,
    mirror,
    confirmRemoval: false,
    pruneFiltered: false,
    dryRun: false,
    save: false,
    intoExisting: false,
    changeUpstream: false,
  };
  const indented: Terminal = {
    ...terminal,
    print: (line) => terminal.print(`  ${line}`),
    note: (line) => terminal.note(`  ${line}`),
  };
  const outcome = await runSync({ session, request, terminal: indented, interrupt });
  const { state, error, createdVersion } = outcome.task;
  if (state === 'CANCELED') interrupt.signal.throwIfAborted();
  if (state !== 'COMPLETED' || createdVersion === null)
    throw new TidemarkError(
      error?.code ?? 'DEMO_FAILED',
      error?.message ?? `The sync of the demo ended ${state} without a version.`,
      {
        origin: 'server',
      },
    );
  reportOutcome(outcome, demoRepositoryName, indented);
}

interface TagList {
  readonly nodes: readonly { readonly name: string; readonly digest: string }[];
}

const changesQuery = `query ($name: String!, $number: Int!) { repository(name: $name) { version(number: $number) {
  added: tags(first: 100, change: ADDED) { nodes { name digest } }
  removed: tags(first: 100, change: REMOVED) { nodes { name digest } } } } }`;

/** A moved tag is both removed and added. */
async function readTagChanges(session: Session, number: number): Promise<PlannedTag[]> {
  type Answer = { repository: { version: { added: TagList; removed: TagList } } };
  const { repository } = await session.request<Answer>(changesQuery, { name: demoRepositoryName, number });
  const added = new Map(repository.version.added.nodes.map(({ name, digest }) => [name, digest]));
  const removed = new Map(repository.version.removed.nodes.map(({ name, digest }) => [name, digest]));
  return [...new Set([...added.keys(), ...removed.keys()])].sort().map((name) => {
    const [oldDigest, newDigest] = [removed.get(name) ?? null, added.get(name) ?? null];
    const change = oldDigest === null ? 'ADDED' : newDigest === null ? 'REMOVED' : 'MOVED';
    return { name, change, oldDigest, newDigest };
  });
}

interface KeepOptions {
  readonly server: DemoServer & { readonly stopped: Promise<void> };
  readonly dataDir: string;
  readonly upstreamUrl: string;
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
}

async function keepRunning({
  server,
  dataDir,
  upstreamUrl,
  terminal,
  interrupt,
}: KeepOptions): Promise<void> {
  const lines = [
    'The demo runs on, to explore:',
    '',
    ...addressLines(server),
    `Upstream     ${upstreamUrl}/v2/${demoRepositoryName}/tags/list`,
    `Data         ${dataDir} (stays; remove it when you like)`,
    '',
    `npm start -- versions ${demoRepositoryName} --server ${server.apiUrl}`,
    'Stop with Ctrl-C.',
  ];
  for (const line of terminal.isPretty ? formatBox(lines) : lines) terminal.print(line);
  await Promise.race([server.stopped, interrupt.received]);
}
