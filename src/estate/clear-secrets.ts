import { loadFileSchema } from './check-shape.ts';
import type { JsonSchema } from './check-shape.ts';
import type { FileMistake } from './file-mistake.ts';
import type { ParsedDocument } from './parse-document.ts';

type Path = readonly (string | number)[];

/** Secrets that stand in the file as they are. */
export function findClearSecrets(document: ParsedDocument): FileMistake[] {
  return findTexts(loadFileSchema(), document.value, [])
    .filter((path) => document.isLiteral(path))
    .map((path) => ({
      place: document.locate(path),
      message: `${path.slice(2).join('.')} stands in the file as it is; write {env: NAME} or {file: PATH}, or allow it with --allow-clear-secrets.`,
    }));
}

/** The paths of texts that are secret by the schema, and of proxies with a password. */
function findTexts(schema: JsonSchema, value: unknown, path: Path): Path[] {
  if (typeof value === 'string') {
    const isProxyLogin = path.at(-1) === 'proxyUrl' && URL.canParse(value) && new URL(value).password !== '';
    return schema.writeOnly === true || isProxyLogin ? [path] : [];
  }
  const { items, properties = {} } = schema;
  if (Array.isArray(value))
    return items === undefined
      ? []
      : value.flatMap((item, index) => findTexts(items, item, [...path, index]));
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(properties).flatMap(([field, own]) =>
    findTexts(own, (value as Record<string, unknown>)[field], [...path, field]),
  );
}
