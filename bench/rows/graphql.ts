/** Queries as a client makes them, over a version with 10,000 tags. */
import type { Bench } from '../bench.ts';
import { watchMemory } from '../processes.ts';
import type { StackProcesses } from '../processes.ts';
import type { Findings } from '../report.ts';
import { megabytes, spread } from '../statistics.ts';
import type { Tidemark } from '../tidemark.ts';

interface Connection {
  readonly repository: {
    readonly latestVersion: { readonly tags: { readonly pageInfo: { readonly endCursor: string } } };
  };
}

// a variable that is declared and not used is a mistake of the query
const inVersion = (selection: string) =>
  `query ${selection.includes('$after') ? '($after: String) ' : ''}{ repository(name: "tags10k") { latestVersion { ${selection} } } }`;
const tagPage = (first: number, fields: string) =>
  inVersion(
    `tags(first: ${first}, after: $after) { nodes { ${fields} } pageInfo { hasNextPage endCursor } }`,
  );

const queries: readonly { readonly name: string; readonly text: string; readonly deep?: boolean }[] = [
  {
    name: 'the version and its counts',
    text: inVersion('number contentSummary { present { tags manifests blobs } }'),
  },
  {
    name: 'one tag with its manifest',
    text: inVersion('tag(name: "v7.7.3") { digest manifest { mediaType totalSizeBytes } }'),
  },
  { name: 'the first 100 tags', text: tagPage(100, 'name digest') },
  { name: '100 tags after the 9,000th', text: tagPage(100, 'name digest'), deep: true },
  {
    name: '100 tags with manifest, size and platforms',
    text: tagPage(100, 'name manifest { mediaType totalSizeBytes platform }'),
  },
  {
    name: '100 manifests that are new in the version',
    text: inVersion('manifests(first: 100, change: ADDED) { nodes { digest sizeBytes } }'),
  },
];
const calls = 50;

export async function measureGraphql(
  bench: Bench,
  tidemark: Tidemark,
  processes: StackProcesses,
): Promise<Findings> {
  const memory = watchMemory(processes);
  const after = await cursorAfter(tidemark, 9_000);
  const rows: string[][] = [];
  for (const { name, text, deep = false } of queries) {
    const variables = { after: deep ? after : null };
    for (let call = 0; call < calls; call += 1) await tidemark.query(text, variables);
    const times: number[] = [];
    for (let call = 0; call < calls; call += 1) {
      const started = performance.now();
      await tidemark.query(text, variables);
      times.push(performance.now() - started);
    }
    rows.push([name, spread(times, 1), String(calls)]);
  }
  const { main } = await memory.stop();
  bench.log('graphql: done');
  const title = 'GraphQL over a version with 10,000 tags';
  const notes = [`One client, one query after the other. Peak of the process: ${megabytes(main)} MB.`];
  return { sections: [{ title, columns: ['query', 'ms', 'n'], rows, notes }], goals: [] };
}

async function cursorAfter(tidemark: Tidemark, tags: number): Promise<string | null> {
  let after: string | null = null;
  for (let read = 0; read < tags; read += 100) {
    const page: Connection = await tidemark.query(tagPage(100, 'name'), { after });
    after = page.repository.latestVersion.tags.pageInfo.endCursor;
  }
  return after;
}
