import { parseDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { manifestAccept } from '../oci/manifest/media-type.ts';
import { defaultManifestMaxBytes } from './client.ts';
import { singleHeader } from './transport/exchange.ts';
import { add, attempt } from './probe-run.ts';
import type { ProbeRun } from './probe-run.ts';
import { createReferrersReader } from './signatures/referrers.ts';
import { checkStatus, isThrottle } from './status.ts';

/** HEAD of a tag. No registry counts it as a pull. */
export async function probeHead(run: ProbeRun, tag: string | undefined): Promise<Digest | undefined> {
  const { requester, registry, found, base, options } = run;
  if (tag === undefined) {
    add(run, 'HEAD', 'Unknown: there is no tag to request.', 'WARNING');
    return undefined;
  }
  let digest: Digest | undefined;
  const url = new URL(`${base}${registry.upstreamName}/manifests/${tag}`);
  const error = await attempt(run, () =>
    requester.request(
      { method: 'HEAD', url, headers: { accept: manifestAccept.join(', ') }, signal: options.signal },
      async (response, sent) => {
        await response.discard();
        await checkStatus(sent, response, 200);
        const stated = singleHeader(response.headers, 'docker-content-digest');
        digest = stated === undefined ? undefined : parseDigest(stated);
      },
    ),
  );
  if (error === undefined) {
    found.headManifests = digest !== undefined;
    if (digest !== undefined) add(run, 'HEAD', `HEAD of ${JSON.stringify(tag)} is answered with a digest.`);
    else add(run, 'HEAD', 'HEAD is answered without a digest; syncs use GET.', 'WARNING');
    return digest;
  }
  if (isThrottle(error)) add(run, 'RATE_LIMIT', error, 'WARNING');
  else found.headManifests = false;
  add(run, 'HEAD', error, 'WARNING');
  return undefined;
}

/** The referrers of the digest that HEAD returned. */
export async function probeReferrers(run: ProbeRun, digest: Digest | undefined): Promise<void> {
  const { requester, registry, found, base, options } = run;
  if (digest === undefined) return add(run, 'REFERRERS', 'Unknown: no digest is known.', 'WARNING');
  const referrers = createReferrersReader({
    requester,
    urlOf: (subject) => new URL(`${base}${registry.upstreamName}/referrers/${subject}`),
    maxBytes: registry.manifestMaxBytes ?? defaultManifestMaxBytes,
  });
  const error = await attempt(run, async () => {
    const answer = await referrers.list(digest, { signal: options.signal });
    found.referrersApi = answer.kind === 'listed';
    if (answer.kind === 'listed') add(run, 'REFERRERS', 'The upstream has the referrers API.');
    else
      add(run, 'REFERRERS', `No referrers API: ${answer.reason}. Signatures are found by tags.`, 'WARNING');
  });
  if (error !== undefined) add(run, 'REFERRERS', error, 'WARNING');
}

/** The rate limit, from the answers so far. */
export function showRateLimit(run: ProbeRun): void {
  const { limit, remaining, windowMs, resetMs } = run.found.rateLimit ?? {};
  if (run.steps.some(({ name }) => name === 'RATE_LIMIT')) return;
  if (remaining === undefined) return add(run, 'RATE_LIMIT', 'The upstream states no limit.');
  const of = limit === undefined ? '' : ` of ${limit}`;
  const window = windowMs === undefined ? '' : ` in a window of ${windowMs / 1000} s`;
  const reset = resetMs === undefined ? '' : `; the next window begins in ${Math.ceil(resetMs / 1000)} s`;
  const text = `${remaining}${of} requests are left${window}${reset}.`;
  add(run, 'RATE_LIMIT', text, remaining === 0 ? 'WARNING' : 'PASSED');
}
