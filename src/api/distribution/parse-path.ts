import { isDigest, parseDigest } from '../../oci/digest.ts';
import type { Digest } from '../../oci/digest.ts';
import { quoteValue } from '../../oci/error.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { isTagName } from '../../oci/tag-name.ts';
import { refuse } from './error.ts';

const extension = '/extensions/v2/';

/** The resource of a URL below `/v2/` (distribution-spec, "Endpoints"). Names and references are validated. */
export type DistributionPath =
  | { readonly resource: 'base' }
  | { readonly resource: 'catalog' }
  | { readonly resource: 'tags'; readonly name: string }
  /** Our extensions (distribution-spec, extensions/README.md: `_<extension>/<component>/<module>`). */
  | { readonly resource: 'tag digests'; readonly name: string }
  | { readonly resource: 'tag changes'; readonly name: string }
  | { readonly resource: 'manifest'; readonly name: string; readonly reference: ManifestReference }
  | { readonly resource: 'blob'; readonly name: string; readonly digest: Digest }
  | { readonly resource: 'referrers'; readonly name: string; readonly digest: Digest }
  /** The API extension of atomic signatures, which is not below `/v2/`. */
  | { readonly resource: 'signatures'; readonly name: string; readonly digest: Digest }
  /** The id is empty where uploads begin. */
  | { readonly resource: 'upload'; readonly name: string; readonly id: string };

export type ManifestReference = { readonly tag: string } | { readonly digest: Digest };

export interface DistributionTarget {
  readonly path: DistributionPath;
  readonly query: URLSearchParams;
}

/** The name of a request as the client sent it, where `?ns=` leads to another one. */
export interface AskedName {
  readonly name: string;
  readonly namespace: string;
}

/** Whether a URL, as received, belongs to the Distribution API. */
export function isDistributionUrl(url: string): boolean {
  return /^(?:\/extensions)?\/v2(?:[/?]|$)/.test(url);
}

/**
 * Parses the URL as received. The path is not decoded, so that nothing can hide in it (fault 64). Only the colon of a digest may be `%3A`, as
 * some clients write it.
 * @param prefix What the client's names lack on this server (`docker-hub.ts`).
 * @throws TidemarkError `NAME_INVALID`, `DIGEST_INVALID`, `DIGEST_UNSUPPORTED`, or `MANIFEST_UNKNOWN` for an invalid tag.
 */
export function parseTarget(url: string, prefix = ''): DistributionTarget {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  for (const [key, value] of query)
    if (value.includes('\0'))
      throw refuse('NAME_INVALID', `${quoteValue(key)} in the query has a NUL in it; expected none.`);
  if (prefix === '') return { path: parsePath(path), query };
  // the prefix says it already
  query.delete('ns');
  const from = query.get('from');
  if (from !== null) query.set('from', `${prefix}${from}`);
  return { path: parsePath(path.replace(/^(?:\/extensions)?\/v2\/(?!_catalog$|$)/, `$&${prefix}`)), query };
}

function parsePath(path: string): DistributionPath {
  if (path === '/v2' || path === '/v2/') return { resource: 'base' };
  if (path === '/v2/_catalog') return { resource: 'catalog' };
  if (path.startsWith(extension)) return parseExtension(path);
  const parts = path.startsWith('/v2/') ? path.slice('/v2/'.length).split('/') : [];
  // From the end: a name may contain the parts "manifests" or "tags".
  const last = parts.pop() ?? '';
  const kind = parts.pop();
  const reference = last.replace(/%3a/i, ':');
  if (kind === 'manifests')
    return { resource: 'manifest', name: toName(parts), reference: toReference(reference) };
  if (kind === 'tags' && last === 'list') return { resource: 'tags', name: toName(parts) };
  if (kind === 'tags' && (last === 'digests' || last === 'changes') && parts.at(-1) === '_tidemark')
    return { resource: `tag ${last}`, name: toName(parts.slice(0, -1)) };
  if (kind === 'referrers')
    return { resource: 'referrers', name: toName(parts), digest: parseDigest(reference) };
  if (kind === 'blobs' && last === 'uploads') return { resource: 'upload', name: toName(parts), id: '' };
  if (kind === 'blobs') return { resource: 'blob', name: toName(parts), digest: parseDigest(reference) };
  if (kind === 'uploads' && parts.pop() === 'blobs')
    return { resource: 'upload', name: toName(parts), id: last };
  throw refuse(
    'NAME_INVALID',
    `${quoteValue(path)} is no address of this API; expected /v2/<name>/manifests/<tag or digest>, /v2/<name>/blobs/<digest>, ` +
      '/v2/<name>/tags/list, /v2/<name>/referrers/<digest> or /v2/_catalog.',
    404,
  );
}

/** `/extensions/v2/<name>/signatures/<digest>` */
function parseExtension(path: string): DistributionPath {
  const parts = path.slice(extension.length).split('/');
  const last = parts.pop() ?? '';
  if (parts.pop() === 'signatures')
    return { resource: 'signatures', name: toName(parts), digest: parseDigest(last.replace(/%3a/i, ':')) };
  throw refuse(
    'NAME_INVALID',
    `${quoteValue(path)} is no address of this API; expected /extensions/v2/<name>/signatures/<digest>.`,
    404,
  );
}

function toName(parts: readonly string[]): string {
  const name = parts.join('/');
  if (isRepositoryName(name)) return name;
  throw refuse(
    'NAME_INVALID',
    `The repository name is ${quoteValue(name)}; expected parts of lower-case letters and digits, joined by . _ __ or -, with / ` +
      'between them, 1 to 255 characters.',
  );
}

function toReference(text: string): ManifestReference {
  if (isDigest(text) || text.includes(':')) return { digest: parseDigest(text) };
  if (isTagName(text)) return { tag: text };
  throw refuse(
    'MANIFEST_UNKNOWN',
    `${quoteValue(text)} is neither a tag (a letter, digit or _, then up to 127 letters, digits, _ . -) nor a digest.`,
  );
}
