import type { Limiter } from '../upstream/limiter.ts';
import { readSignature } from '../upstream/read-signature.ts';
import type { Database } from '../db/open-database.ts';
import { signatureName, storeAtomic } from '../db/staging/stage-signatures.ts';
import type { SignatureToStore } from '../db/staging/stage-signatures.ts';
import type { Digest } from '../oci/digest.ts';
import { isSideFailure } from './pull-companions.ts';
import type { HeldUpstream } from './remote-clients.ts';

/** What is read of the atomic signatures of one image in one pull; a sync takes all of them. */
const atomicMost = { signatures: 100, bytes: 8 * 1024 * 1024 };

export interface AtomicSearch {
  readonly database: Database;
  readonly connections: Limiter;
  readonly upstream: HeldUpstream;
  readonly subject: Digest;
}

export interface FoundAtomic {
  /** Stored; in no version yet. */
  readonly atomic: readonly number[];
  /** Why some could not be read: no proof that there are none. */
  readonly problems: readonly string[];
}

/**
 * Looks for the atomic signatures of a manifest where a sync does: in the remote's store, else by the API extension of a registry that has
 * it. What cannot be read fails nothing by itself.
 */
export async function findAtomic(search: AtomicSearch, signal: AbortSignal): Promise<FoundAtomic> {
  const found = new Map<string, SignatureToStore>();
  const problems: string[] = [];
  try {
    await search.connections.run(signal, () => readAll(search, { found, problems }, signal));
  } catch (error) {
    if (!isSideFailure(error)) throw error;
    problems.push(error.message);
  }
  const atomic = await storeAtomic(search.database.em.fork(), [...found.values()]);
  return { atomic, problems };
}

interface Finding {
  /** By name: a store may give the same twice. */
  readonly found: Map<string, SignatureToStore>;
  readonly problems: string[];
}

async function readAll(
  { upstream: { registry }, subject }: AtomicSearch,
  { found, problems }: Finding,
  signal: AbortSignal,
): Promise<void> {
  const source = await registry.findSignatureSource({ signal });
  if (source === undefined) return;
  const problem = async (message: string) => void problems.push(message);
  let count = 0;
  let bytes = 0;
  for await (const content of registry.readSignatures(source, subject, { signal })) {
    count += 1;
    bytes += content.length;
    if (count > atomicMost.signatures || bytes > atomicMost.bytes) {
      problems.push(
        `it has more than ${atomicMost.signatures} atomic signatures, or ${atomicMost.bytes} bytes of them, and a pull looks at no more; a sync takes all`,
      );
      return;
    }
    const name = signatureName(subject, content);
    if (found.has(name)) continue;
    const signature = await readSignature(subject, { content, problem, signal });
    if (signature !== undefined) found.set(name, signature);
  }
}
