/** distribution-spec, "Pulling manifests": the grammar of a tag. */
export function isTagName(text: string): boolean {
  return /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text);
}
