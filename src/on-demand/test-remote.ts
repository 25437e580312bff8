import { remoteOptions } from '../upstream/clients/remote-options.ts';
import type { RemoteDeps } from '../upstream/clients/remote-options.ts';
import type { Remote } from '../db/schema/remotes.ts';
import { TidemarkError } from '../oci/error.ts';
import { rulesOf } from '../selection/tag-rules.ts';
import { compileTagFilter } from '../selection/tag-filter.ts';
import { probeRegistry } from '../registry/probe.ts';
import type { RegistryProbe } from '../oci/hosts/registry-probe.ts';

const testMaxMs = 30_000;

/** Tests a stored remote under the address rules of a sync. Writes nothing. */
export async function testRemote(
  deps: RemoteDeps,
  remote: Remote,
  signal: AbortSignal,
): Promise<RegistryProbe> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    const message = `The test of ${remote.url} did not finish within ${testMaxMs / 1000} s. The upstream is slow.`;
    deadline.abort(new TidemarkError('UPSTREAM_TIMEOUT', message, { retryable: true }));
  }, testMaxMs);
  const { needsListing, exactNames } = compileTagFilter(rulesOf(remote));
  try {
    return await probeRegistry(remoteOptions(deps, remote), {
      needsListing,
      tag: exactNames[0],
      signal: AbortSignal.any([signal, deadline.signal]),
    });
  } finally {
    clearTimeout(timer);
  }
}
