import { formatBytes } from '../../../src/cli/progress/format.ts';
import { pullCommands } from '../repositories/pull-commands.ts';
import { blobPolicies } from '../remotes/blob-policies.ts';
import type { ResultOf } from '../graphql/graphql.ts';
import { CopyLine } from '../shared/copy-line.tsx';
import { Chips, Facts } from '../shared/facts.tsx';
import { span } from '../shared/time.ts';
import type { ProxySettings } from './proxy-queries.ts';

type Proxy = ResultOf<typeof ProxySettings>;

interface Props {
  readonly proxy: Proxy;
  /** What its cache holds. */
  readonly cachedBytes: number;
}

/** How a proxy serves, with a command that pulls through it. */
export function ProxyFacts({ proxy, cachedBytes }: Props) {
  const { host, protocol } = window.location;
  const image = { host, secure: protocol === 'https:', basePath: `${proxy.basePath}/NAME`, tag: 'TAG' };
  const [docker] = pullCommands(image);
  return (
    <Facts
      title="Proxy"
      facts={[
        ['Registry', proxy.url],
        ['Login', proxy.credential?.name ?? proxy.username ?? 'none'],
        ['Image names', <Chips key="names" texts={proxy.namespaces} none="none" />],
        ['Takes', <Chips key="takes" texts={proxy.includeRepositories} none="every repository" />],
        ['Except', <Chips key="except" texts={proxy.excludeRepositories} none="none" />],
        ['At most', `${proxy.repositoriesAtMost.toLocaleString()} repositories`],
        ['Pulls are for', readersOf(proxy.private)],
        ['Layers', blobPolicies.find(({ value }) => value === proxy.policy)?.label],
        ['Tags are served', `for ${span(proxy.tagTtlSeconds)} without asking the upstream`],
        ['Misses are kept', `for ${span(proxy.notFoundTtlSeconds)}`],
        ['Cache', cacheOf(cachedBytes, proxy.cacheBytes)],
        ['Signature policy', proxy.signaturePolicy?.name],
      ]}
    >
      {docker === undefined ? null : <CopyLine text={docker.command} label="Copy the command" />}
    </Facts>
  );
}

function cacheOf(cachedBytes: number, limitBytes: number | null): string {
  const limit = limitBytes === null ? 'no limit of its own' : `at most ${formatBytes(limitBytes)}`;
  return `${formatBytes(cachedBytes)}, ${limit}`;
}

function readersOf(isPrivate: boolean | null): string {
  if (isPrivate === null) return 'those with the role reader, while logins are on';
  return isPrivate ? 'those with the role reader' : 'everybody';
}
