/**
 * The target of the link with `rel="next"` in a `Link` field (RFC 8288 section 3), as written: relative or absolute.
 * Undefined where there is none. Registries were seen that leave the `rel` out; a single link without one is taken.
 */
export function nextLink(field: string | undefined): string | undefined {
  if (field === undefined) return undefined;
  const links = [
    ...field.matchAll(/<([^<>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s";,]+))?)*)/g),
  ].map((match) => ({ target: match[1] ?? '', relations: relationsOf(match[2] ?? '') }));
  const next = links.find(({ relations }) => relations?.includes('next'));
  if (next !== undefined) return next.target;
  return links.length === 1 && links[0]?.relations === undefined ? links[0]?.target : undefined;
}

/** The first `rel` counts (RFC 8288 section 3.3); one inside another parameter's quotes does not. */
function relationsOf(parameters: string): string[] | undefined {
  for (const [, name = '', quoted, bare] of parameters.matchAll(
    /;\s*([^\s=;,]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";,]+)))?/g,
  ))
    if (name.toLowerCase() === 'rel') return (quoted ?? bare ?? '').toLowerCase().split(/\s+/);
  return undefined;
}
