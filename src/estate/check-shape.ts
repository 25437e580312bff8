import { readFileSync } from 'node:fs';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { quoteValue } from '../oci/error.ts';
import { closeNames } from '../selection/close-names.ts';
import type { FileMistake } from './file-mistake.ts';
import type { ParsedDocument } from './parse-document.ts';

export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly writeOnly?: boolean;
}

interface Loaded {
  readonly schema: JsonSchema;
  readonly validate: ValidateFunction;
}

let loaded: Loaded | undefined;

function load(): Loaded {
  if (loaded !== undefined) return loaded;
  const path = new URL('../../schema/tidemark.schema.json', import.meta.url);
  const schema = JSON.parse(readFileSync(path, 'utf8')) as JsonSchema;
  const ajv = new Ajv2020({ allErrors: true, strict: false, verbose: true });
  loaded = { schema, validate: ajv.compile(schema) };
  return loaded;
}

/** What of a document is not as schema/tidemark.schema.json says. Variables that stand for numbers are made numbers. */
export function checkShape(document: ParsedDocument): FileMistake[] {
  const { validate } = load();
  // a name may be in another file
  const value = document.value;
  for (let tries = 0; tries < 2; tries += 1) {
    if (validate(value)) return [];
    const changed = (validate.errors ?? []).filter((error) => makeNumber(document, error));
    if (changed.length === 0) break;
  }
  return (validate.errors ?? [])
    .filter((error) => !isMissingName(error))
    .map((error) => describe(document, error));
}

/** schema/tidemark.schema.json */
export function loadFileSchema(): JsonSchema {
  return load().schema;
}

function isMissingName({ keyword, instancePath, params }: ErrorObject): boolean {
  return keyword === 'required' && instancePath === '' && params['missingProperty'] === 'name';
}

function pathOf(instancePath: string): string[] {
  return instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function makeNumber(document: ParsedDocument, { keyword, instancePath, params, data }: ErrorObject): boolean {
  const path = pathOf(instancePath);
  if (keyword !== 'type' || typeof data !== 'string' || !document.isVariable(toPlace(path))) return false;
  const wanted = [params['type']].flat() as string[];
  const value = wanted.includes('boolean') && /^(?:true|false)$/.test(data) ? data === 'true' : Number(data);
  const fits =
    typeof value === 'boolean' ||
    (wanted.some((type) => /^(?:integer|number)$/.test(type)) &&
      data.trim() !== '' &&
      Number.isFinite(value));
  if (fits) setIn(document.value, path, value);
  return fits;
}

function setIn(root: unknown, path: readonly string[], value: unknown): void {
  const parent = path.slice(0, -1).reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], root);
  (parent as Record<string, unknown>)[path.at(-1) ?? ''] = value;
}

/** YAML's paths have numbers for places in lists. */
export function toPlace(path: readonly string[]): (string | number)[] {
  return path.map((part) => (/^[0-9]+$/.test(part) ? Number(part) : part));
}

function describe(document: ParsedDocument, error: ErrorObject): FileMistake {
  const path = pathOf(error.instancePath);
  const extra =
    error.keyword === 'additionalProperties' ? String(error.params['additionalProperty']) : undefined;
  const place = document.locate(toPlace(extra === undefined ? path : [...path, extra]));
  return { place, message: explain(error, path.join('.') || 'the file', extra) };
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'a text',
  object: 'fields',
  array: 'a list',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

function explain(
  { keyword, params, data, parentSchema }: ErrorObject,
  where: string,
  extra: string | undefined,
): string {
  if (extra !== undefined) {
    const known = Object.keys((parentSchema?.['properties'] ?? {}) as object);
    const [near] = closeNames(extra, known, 1);
    return `${quoteValue(extra)} is not a field of ${where}; ${near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`}`;
  }
  if (keyword === 'required') return `${where} lacks ${String(params['missingProperty'])}.`;
  if (keyword === 'enum')
    return `${where} is ${quoteValue(String(data))}; expected one of ${(params['allowedValues'] as (string | null)[]).filter((one) => one !== null).join(', ')}.`;
  if (keyword === 'type') {
    const isSecret = parentSchema?.['writeOnly'] === true;
    return explainType([params['type']].flat() as string[], isSecret ? undefined : data, where);
  }
  return `${where}: expected either env or file.`;
}

function explainType(types: readonly string[], data: unknown, where: string): string {
  if (data === undefined) return `${where} is no text; expected a text, or {env: NAME} or {file: PATH}.`;
  const isNumber = typeof data === 'number' || typeof data === 'boolean';
  const isText = types.includes('string');
  const words = isText
    ? ['a text']
    : types.filter((type) => type !== 'null').map((type) => typeWords[type] ?? type);
  const hint = isNumber && isText ? '; put it in quotes, since YAML takes 1.10 for 1.1' : '';
  const shown =
    data !== null && typeof data === 'object'
      ? Array.isArray(data)
        ? 'a list'
        : 'fields'
      : quoteValue(data);
  return `${where} is ${shown}; expected ${words.join(' or ')}${hint}.`;
}
