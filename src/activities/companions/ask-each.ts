import type { ManifestRef } from '../../db/staging/stage-companions.ts';
import type { Registry } from '../../registry/registry.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';

export interface AskOptions {
  readonly signal: AbortSignal;
  /** Also where the registry counts as one without the referrers API. */
  readonly anew: boolean;
}

/** Asks for the referrers of the manifests of one sync or look. */
export type AskEach = (
  manifests: readonly ManifestRef[],
  options: {
    readonly rootIds: readonly number[];
    readonly concurrency: number;
    readonly signal: AbortSignal;
  },
  ask: (manifest: ManifestRef, options: AskOptions) => Promise<void>,
) => Promise<void>;

/**
 * Where the registry is remembered as one without the referrers API, one manifest is asked for first: an answer of another kind drops the
 * memory, and then all are asked for. That manifest is the newest root, because new images are signed first.
 */
export function createAskEach(registry: Pick<Registry, 'referrersAbsence'>): AskEach {
  let isProbed = false;
  return async (manifests, { rootIds, concurrency, signal }, ask) => {
    const newest = rootIds.reduce((one, other) => Math.max(one, other), 0);
    const probe = manifests.find(({ id }) => id === newest) ?? manifests[0];
    if (probe === undefined) return;
    const isRemembered = !isProbed && (await registry.referrersAbsence()) !== undefined;
    isProbed = true;
    if (isRemembered) await ask(probe, { signal, anew: true });
    const rest = isRemembered ? manifests.filter((manifest) => manifest !== probe) : manifests;
    await forEachConcurrently(rest, { concurrency, signal }, (manifest, laneSignal) =>
      ask(manifest, { signal: laneSignal, anew: false }),
    );
  };
}
