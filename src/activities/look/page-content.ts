import { readPresentContent } from '../../db/look/present-content.ts';
import type { PresentContent } from '../../db/look/present-content.ts';
import type { SettledSync } from '../../db/look/settled-syncs.ts';
import type { Em } from '../../db/open-database.ts';

/** Tags, manifests and blobs that are read with one statement. A larger repository has a statement of its own. */
const mostRows = 20_000;

interface Chunk {
  readonly settled: SettledSync[];
  rows: number;
  /** By key. */
  content?: Promise<Map<number, PresentContent>>;
}

/**
 * The content of the repositories of a page. It is read when it is first needed, many repositories with one statement, and each is handed
 * out once, so that what has been looked at is not kept.
 */
export function openPageContent(
  em: () => Em,
  page: readonly SettledSync[],
): (settled: SettledSync) => Promise<PresentContent> {
  const chunks = new Map<number, Chunk>();
  let last: Chunk | undefined;
  for (const settled of page) {
    if (last === undefined || last.rows + settled.rows > mostRows) last = { settled: [], rows: 0 };
    last.settled.push(settled);
    last.rows += settled.rows;
    chunks.set(settled.key, last);
  }

  async function read({ settled }: Chunk): Promise<Map<number, PresentContent>> {
    const ids = settled.map(({ repositoryId }) => repositoryId);
    const content = await readPresentContent(em(), ids);
    return new Map(content.flatMap((one, index) => [[settled[index]?.key ?? 0, one] as const]));
  }

  return async ({ key }) => {
    const chunk = chunks.get(key);
    if (chunk === undefined) throw new Error(`the sync ${key} is not part of the page`);
    chunk.content ??= read(chunk);
    const content = await chunk.content;
    const own = content.get(key);
    if (own === undefined) throw new Error(`the content of the sync ${key} was not read`);
    content.delete(key);
    return own;
  };
}
