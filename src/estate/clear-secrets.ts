import { secretFields } from './check-shape.ts';
import type { FileMistake } from './file-mistake.ts';
import type { ParsedDocument } from './parse-document.ts';

type Path = readonly (string | number)[];

/** Secrets that stand in the file as they are. */
export function findClearSecrets(document: ParsedDocument): FileMistake[] {
  const { value } = document;
  const found: Path[] = [];
  for (const [section, entries] of Object.entries(value as Record<string, unknown>)) {
    if (!Array.isArray(entries)) continue;
    for (const [index, entry] of (entries as Record<string, unknown>[]).entries()) {
      found.push(...clearIn(entry, secretFields(section)).map((field) => [section, index, field]));
      const { remote } = entry;
      if (section === 'repositories' && remote !== null && typeof remote === 'object')
        found.push(
          ...clearIn(remote as Record<string, unknown>, secretFields(section, 'remote')).map((field) => [
            section,
            index,
            'remote',
            field,
          ]),
        );
    }
  }
  return found
    .filter((path) => document.isLiteral(path))
    .map((path) => ({
      place: document.locate(path),
      message: `${String(path.at(-1))} stands in the file as it is; write {env: NAME} or {file: PATH}, or allow it with --allow-clear-secrets.`,
    }));
}

function clearIn(entry: Readonly<Record<string, unknown>>, fields: readonly string[]): string[] {
  return fields.filter((field) => typeof entry[field] === 'string');
}
