import type { Em } from '../../db/open-database.ts';
import { stageProblems } from '../../db/staging/stage-companions.ts';
import {
  readSignatureSource,
  readSigned,
  signatureName,
  stageSignatures,
} from '../../db/staging/stage-signatures.ts';
import type { SignatureSource, SignatureToStore, SignedManifest } from '../../db/staging/stage-signatures.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { setProgress } from '../../db/tasks/tasks.ts';
import { countOf } from '../../oci/count-of.ts';
import type { Digest } from '../../oci/digest.ts';
import { readSignature } from '../../upstream/read-signature.ts';
import { createCollector } from '../../upstream/collector.ts';
import type { ActivityDeps } from '../deps.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import { askAside, isSideFailure, wasSkipped } from './side-look-ups.ts';
import type { SyncContext } from '../sync/sync-context.ts';
import type { TagRange } from '../tags/walk-tags.ts';

const pageSize = 500;
/** Problems that get a warning of their own. */
const namedAtMost = 20;

/**
 * Fetches the atomic signatures of a range of selected manifests. An unreadable signature is left out with a warning. The problem is staged
 * with its manifest, because it is then unknown whether the manifest is signed (faults 58, 63).
 */
export async function fetchSignatures(
  deps: ActivityDeps,
  sync: SyncContext,
  { part: partNumber, from, to, concurrency }: TagRange,
  signal: AbortSignal,
): Promise<void> {
  const em = deps.database.em.fork();
  const { taskId } = sync;
  const source = await readSignatureSource(em, taskId);
  if (source === undefined) return;
  const part = { taskId, stage: 'FETCHING_SIGNATURES', part: partNumber } as const;
  let signaturesDone = 0;
  let named = 0;
  let others = 0;
  const collector = createCollector<SignatureToStore>(async (batch) => {
    await stageSignatures(em, taskId, batch);
    signaturesDone += batch.length;
    await setProgress(em, part, { signaturesDone });
  });
  const manifests = readRange(em, sync, from, to);
  await forEachConcurrently(manifests, { concurrency, signal }, async (manifest, laneSignal) => {
    const { digest } = manifest;
    const problem = (message: string) => noteProblem(em, taskId, digest, message);
    const take = async (content: Buffer) => {
      const signature = await readSignature(digest, { content, problem, signal: laneSignal });
      if (signature !== undefined) await collector.add(signature, content.length);
    };
    try {
      await askAside(sync, 'signatures', () =>
        deps.connections.run(laneSignal, () => readAll(sync, { source, manifest, take }, laneSignal)),
      );
    } catch (error) {
      if (!isSideFailure(error, sync)) throw error;
      const message = `Signatures of ${digest} were left out: ${error.message}`;
      if (wasSkipped(error) || (named += 1) > namedAtMost) {
        await stageProblems(em, taskId, [{ subject: digest, reason: message }]);
        others += 1;
      } else await problem(message);
    }
  });
  await collector.flush();
  if (others > 0)
    await addWarnings(em, taskId, [
      `Signatures of ${countOf(others, 'more manifest')} could not be looked up either. Present ones stay.`,
    ]);
}

async function* readRange(
  em: Em,
  sync: SyncContext,
  from: number,
  to: number,
): AsyncGenerator<SignedManifest> {
  for (let at = from; at < to; at += pageSize)
    yield* await readSigned(em, sync, at, Math.min(to, at + pageSize));
}

interface Reading {
  readonly source: SignatureSource;
  readonly manifest: SignedManifest;
  readonly take: (content: Buffer) => Promise<void>;
}

/**
 * A mirror reads past gaps, for at least as many signatures as it has. It reads again when some are missing, because two readings must
 * agree on a removal.
 */
async function readAll(
  sync: SyncContext,
  { source, manifest, take }: Reading,
  signal: AbortSignal,
): Promise<void> {
  const { digest, present } = manifest;
  const taken = new Set<string>();
  const atLeast = sync.arguments.mirror ? present.length : 0;
  const read = async () => {
    for await (const content of sync.registry.readSignatures(source, digest, { signal, atLeast })) {
      const name = signatureName(digest, content);
      if (!taken.has(name)) await take(content);
      taken.add(name);
    }
  };
  await read();
  if (sync.arguments.mirror && !present.every((name) => taken.has(name))) await read();
}

async function noteProblem(em: Em, taskId: number, subject: Digest, message: string): Promise<void> {
  await stageProblems(em, taskId, [{ subject, reason: message }]);
  await addWarnings(em, taskId, [message]);
}
