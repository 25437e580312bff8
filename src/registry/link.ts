/**
 * The target of the link with `rel="next"` in a `Link` field (RFC 8288 section 3), as written: relative or absolute.
 * Undefined where there is none. Registries were seen that leave the `rel` out; a single link without one is taken.
 * Old releases of zot leave the angle brackets out (project-zot/zot, pkg/api/routes.go).
 */
export function nextLink(field: string | undefined): string | undefined {
  if (field === undefined) return undefined;
  const bare = bareTarget(field);
  if (bare !== undefined) return bare;
  const links = [
    ...field.matchAll(/<([^<>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s";,]+))?)*)/g),
  ].map((match) => ({ target: match[1] ?? '', relations: relationsOf(match[2] ?? '') }));
  const next = links.find(({ relations }) => relations?.includes('next'));
  if (next !== undefined) return next.target;
  return links.length === 1 && links[0]?.relations === undefined ? links[0]?.target : undefined;
}

/** `/v2/…?last=…; rel="next"`, split by index: the whole field, without angle brackets. */
function bareTarget(field: string): string | undefined {
  const end = field.indexOf(';');
  const target = field.slice(0, end).trim();
  const isBare = end > 0 && !/[<>,"\s]/.test(target) && /^(?:\/|https?:)/.test(target);
  return isBare && /^rel="?next"?$/.test(field.slice(end + 1).trim()) ? target : undefined;
}

/** The first `rel` counts (RFC 8288 section 3.3); one inside another parameter's quotes does not. */
function relationsOf(parameters: string): string[] | undefined {
  for (const [, name = '', quoted, bare] of parameters.matchAll(
    /;\s*([^\s=;,]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s";,]+)))?/g,
  ))
    if (name.toLowerCase() === 'rel') return (quoted ?? bare ?? '').toLowerCase().split(/\s+/);
  return undefined;
}
