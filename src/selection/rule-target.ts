/** The name of a mirrored repository: without `stripPrefix`, below `targetPrefix`. A prefix is whole parts of a name. */
export function targetName(
  upstreamName: string,
  {
    stripPrefix,
    targetPrefix,
  }: { readonly stripPrefix?: string | null | undefined; readonly targetPrefix: string },
): string {
  const strip = asPrefix(stripPrefix ?? '');
  const rest = upstreamName.startsWith(strip) ? upstreamName.slice(strip.length) : upstreamName;
  return `${asPrefix(targetPrefix)}${rest}`;
}

/** The scope that has all names below a prefix, for `may`. */
export function scopeBelow(targetPrefix: string): string {
  return `${asPrefix(targetPrefix)}*`;
}

/** Ends with a slash, or is empty. */
function asPrefix(text: string): string {
  return text === '' || text.endsWith('/') ? text : `${text}/`;
}
