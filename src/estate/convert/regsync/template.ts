import type { Text } from '../estate-file.ts';

/**
 * The text of a field that regsync expands as a Go template (regclient.org, "Templates"): plain text, or a single `{{env "NAME"}}` or
 * `{{file "PATH"}}`. Undefined for any other template.
 */
export function readTemplate(text: string): Text | undefined {
  if (!text.includes('{{')) return text;
  const match = /^\{\{-? *(env|file) +(?:"([^"\\{}]+)"|`([^`{}]+)`) *-?\}\}$/.exec(text.trim());
  if (match === null) return undefined;
  const value = match[2] ?? match[3] ?? '';
  return match[1] === 'env' ? { env: value } : { file: value };
}
