import type { Fallback } from '../../db/schema/upstreams.ts';
import { fallbackAsUsed } from '../remotes/fallbacks.ts';
import type { FallbackFields } from '../remotes/fallbacks.ts';
import type { Values } from './configuration.ts';
import { readReferences, toReferences } from './find-named.ts';
import type { Maker, Reader } from './kind.ts';
import { emptyToNull } from './values.ts';

/* The fallbacks of a remote in a configuration: as in the API, with the name of a credential. */

/** References in lists of a kind. */
export const fallbackReferences = { fallbacks: { credential: 'CREDENTIAL' } } as const;

interface ConfiguredFallback extends Omit<FallbackFields, 'credential'> {
  readonly credential?: string | null | undefined;
}

/** With their parts in a fixed order, without defaults; null: none. */
export function settleFallbacks(given: unknown): readonly Values[] | null {
  const fallbacks = (given ?? []) as readonly ConfiguredFallback[];
  return emptyToNull(
    fallbacks.map((fallback) => {
      const { url, upstreamName, credential, proxyUrl, sslCaCertificate, sslValidation } =
        fallbackAsUsed(fallback);
      const parts = Object.entries({ url, upstreamName, credential, proxyUrl, sslCaCertificate });
      const entries = parts.filter(([, value]) => value !== null && value !== undefined);
      return { ...Object.fromEntries(entries), ...(sslValidation === false && { sslValidation }) };
    }),
  );
}

/** Of each row. */
export async function readFallbacks(
  reader: Reader,
  rows: readonly { readonly fallbacks: readonly Fallback[] }[],
): Promise<(readonly Values[] | null)[]> {
  const all = rows.flatMap(({ fallbacks }) => fallbacks);
  const named = await readReferences(reader, fallbackReferences.fallbacks, all);
  const credentials = new Map(all.map((fallback, index) => [fallback, named[index]?.credential]));
  return rows.map(({ fallbacks }) =>
    settleFallbacks(fallbacks.map((fallback) => ({ ...fallback, credential: credentials.get(fallback) }))),
  );
}

/** For an operation; undefined stays. */
export function toFallbackReferences(
  maker: Maker,
  { fallbacks }: Values,
): { readonly fallbacks?: readonly FallbackFields[] | null } {
  if (fallbacks === undefined) return {};
  const given = (fallbacks ?? []) as readonly Values[];
  return {
    fallbacks: given.map((fallback) => ({
      ...(fallback as unknown as FallbackFields),
      ...toReferences(maker, fallbackReferences.fallbacks, fallback),
    })),
  };
}
