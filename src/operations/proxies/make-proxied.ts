import { lockMaking, noteMade } from '../../db/proxies/proxies.ts';
import type { RegistryProxy } from '../../db/schema/proxies.ts';
import { Remote } from '../../db/schema/remotes.ts';
import { quoteValue } from '../../oci/error.ts';
import { makeTemplated } from '../remotes/make-templated.ts';
import { invalid } from '../mistakes.ts';
import { done, inTransaction, refused } from '../operation.ts';
import type { Operator, Outcome } from '../operation.ts';
import type { RemoteRules } from '../remotes/remotes.ts';
import { proxySecrets } from './proxies.ts';

export interface ProxiedRepository {
  readonly proxy: RegistryProxy;
  readonly name: string;
  readonly upstreamName: string;
  readonly rules: RemoteRules;
  /** Whether logins are on. */
  readonly isAccessOn: boolean;
}

/**
 * Creates a repository of a proxy with its remote and distribution, in one transaction. Needs the role maintainer for the name. A remote of that
 * name with the same upstream is used: it is that of a repository that was deleted.
 * @returns `proxy-changed` if the proxy was changed or deleted since the caller read it. Nothing is created.
 */
export async function makeProxied(
  operator: Operator,
  { proxy, name, upstreamName, rules, isAccessOn }: ProxiedRepository,
): Promise<Outcome<number | 'proxy-changed'>> {
  const { repositoriesAtMost, tagTtlSeconds, notFoundTtlSeconds } = proxy;
  const words = `the proxy ${proxy.name}`;
  const isPrivate = proxy.isPrivate ?? isAccessOn;
  const secrets = proxySecrets(rules.secrets);
  return inTransaction(operator, async (em) => {
    const locked = await lockMaking(em, proxy.id);
    if (locked?.updatedAtMs !== proxy.updatedAt.getTime()) return done('proxy-changed');
    if (locked.count >= repositoriesAtMost) return refused(invalid('repositoriesAtMost', atMost(proxy)));
    const present = await em.findOne(Remote, { name, url: proxy.url, upstreamName });
    const repository = await makeTemplated(
      { ...operator, em, isUndoneByMistakes: true },
      { row: proxy, words, secrets, rules, name, upstreamName, isPrivate, remoteId: present?.id },
    );
    if (repository.mistakes !== undefined) return refused(...repository.mistakes);
    await noteMade(em, {
      repositoryId: repository.value.id,
      proxyId: proxy.id,
      isPrivate,
      isDecided: isAccessOn || typeof proxy.isPrivate === 'boolean',
      tagTtlSeconds,
      notFoundTtlSeconds,
    });
    return done(repository.value.id);
  });
}

/** Why a proxy makes no more repositories. */
export function atMost({ name, repositoriesAtMost }: RegistryProxy): string {
  return `The proxy ${quoteValue(name)} has made ${repositoriesAtMost} repositories, the most that it may. Raise repositoriesAtMost, or delete some.`;
}
