/**
 * The target of the link with `rel="next"` in a `Link` field (RFC 8288 section 3), as written: relative or absolute.
 * Undefined where there is none. Registries were seen that leave the `rel` out; a single link without one is taken.
 */
export function nextLink(field: string | undefined): string | undefined {
  if (field === undefined || field.length > 16_384) return undefined;
  const links = [
    ...field.matchAll(/<([^<>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s";,]+))?)*)/g),
  ].map((match) => ({ target: match[1] ?? '', relations: relationsOf(match[2] ?? '') }));
  const next = links.find(({ relations }) => relations?.includes('next'));
  if (next !== undefined) return next.target;
  return links.length === 1 && links[0]?.relations === undefined ? links[0]?.target : undefined;
}

function relationsOf(parameters: string): string[] | undefined {
  const match = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))/i.exec(parameters);
  return match === null ? undefined : (match[1] ?? match[2] ?? '').toLowerCase().split(/\s+/);
}
