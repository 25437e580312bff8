import { readSignature } from '../upstream/read-signature.ts';
import { signatureName, storeAtomic } from '../db/staging/stage-signatures.ts';
import type { SignatureToStore } from '../db/staging/stage-signatures.ts';
import { isSideFailure } from './pull-companions.ts';
import type { CompanionSearch } from './pull-companions.ts';

/** Limits of one pull. A sync reads all atomic signatures. */
const atomicMost = { signatures: 100, bytes: 8 * 1024 * 1024 };

export interface FoundAtomic {
  /** Stored, but in no version yet. */
  readonly atomic: readonly number[];
  /** Problems with signatures that could not be read: there may be more signatures. */
  readonly problems: readonly string[];
}

/**
 * Reads the atomic signatures of a manifest from the remote's store, or else from the registry's signature extension, as a sync does.
 * Unreadable signatures are problems and not errors.
 */
export async function findAtomic(search: CompanionSearch, signal: AbortSignal): Promise<FoundAtomic> {
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
  /** By name, because a store may list one twice. */
  readonly found: Map<string, SignatureToStore>;
  readonly problems: string[];
}

async function readAll(
  { upstream: { registry }, subject }: CompanionSearch,
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
        `it has more than ${atomicMost.signatures} atomic signatures, or ${atomicMost.bytes} bytes of them, and a pull reads no more; a sync reads all`,
      );
      return;
    }
    const name = signatureName(subject, content);
    if (found.has(name)) continue;
    const signature = await readSignature(subject, { content, problem, signal });
    if (signature !== undefined) found.set(name, signature);
  }
}
