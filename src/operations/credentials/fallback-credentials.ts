import { LockMode } from '@mikro-orm/core';
import { isDeepStrictEqual } from 'node:util';
import { hostRefusal } from '../../access/credentials/kinds.ts';
import type { Viewer } from '../../access/viewer.ts';
import { Credential } from '../../db/schema/credentials.ts';
import type { Fallback } from '../../db/schema/upstreams.ts';
import type { Em } from '../../db/open-database.ts';
import { invalid } from '../mistakes.ts';
import type { Mistake } from '../mistakes.ts';
import { lacksRole, seen } from '../permit.ts';
import { credentialNotFound } from '../references.ts';
import { ofFallback, toStoredFallback } from '../remotes/fallbacks.ts';
import type { FallbackFields } from '../remotes/fallbacks.ts';

/**
 * The fallbacks as they are stored; undefined for "keep". Their credentials are locked against deletion. A remote shows a credential to the
 * host of its fallback, so naming one needs the role maintainer for it. A fallback that stays as it is needs no role.
 */
export async function lockFallbacks(
  em: Em,
  viewer: Viewer,
  given: readonly FallbackFields[] | null | undefined,
  { current = [], mistakes }: { readonly current?: readonly Fallback[]; readonly mistakes: Mistake[] },
): Promise<readonly Fallback[] | undefined> {
  if (given === undefined) return undefined;
  const stored: Fallback[] = [];
  for (const [index, fallback] of (given ?? []).entries()) {
    const { credential, url } = fallback;
    if (credential === null || credential === undefined) {
      stored.push(toStoredFallback(fallback, undefined));
      continue;
    }
    const { key } = credential;
    const found =
      key === undefined
        ? null
        : await em.findOne(Credential, { id: key }, { lockMode: LockMode.PESSIMISTIC_READ });
    const one = toStoredFallback(fallback, found?.id);
    stored.push(one);
    if (found !== null && current.some((before) => isDeepStrictEqual(before, one))) continue;
    const row = seen(viewer, found, ({ name }) => name);
    const refusal = row === null || !URL.canParse(url) ? undefined : hostRefusal(row, new URL(url));
    const wrong = [
      ...(row === null
        ? [credentialNotFound(credential)]
        : lacksRole(viewer, 'maintainer', row.name, credential.field)),
      ...(refusal === undefined ? [] : [invalid(credential.field, refusal)]),
    ];
    mistakes.push(...wrong.map((mistake) => ofFallback(index, mistake)));
  }
  return stored;
}
