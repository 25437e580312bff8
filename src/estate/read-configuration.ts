import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { quoteValue } from '../oci/error.ts';
import { checkShape, toPlace } from './check-shape.ts';
import { findClearSecrets } from './clear-secrets.ts';
import { FileMistakes } from './file-mistake.ts';
import type { FileMistake } from './file-mistake.ts';
import { parseDocuments } from './parse-document.ts';
import type { ParsedDocument } from './parse-document.ts';
import { readFiles } from './read-files.ts';
import { exportSections } from './write-configuration.ts';

export interface ReadOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether a secret may stand in the file itself. */
  readonly allowClearSecrets: boolean;
}

type Entry = Record<string, unknown>;

/** The content of one or more files, as `ConfigurationInput`. */
export interface ConfigurationFiles {
  readonly configuration: Readonly<Record<string, unknown>>;
  /** The place of a path of `configuration`: `tidemark.yaml:14:7`. */
  readonly locate: (path: readonly string[]) => string;
}

const sections = exportSections.map(([section]) => section);

/** Where an entry of a section stands. */
interface Origin {
  readonly document: ParsedDocument;
  readonly path: readonly (string | number)[];
}

/**
 * Reads tidemark.yaml: files and folders, each with one or more YAML documents, whose sections are joined.
 * @throws FileMistakes with all that is wrong.
 */
export async function readConfiguration(
  paths: readonly string[],
  { environment, allowClearSecrets }: ReadOptions,
): Promise<ConfigurationFiles> {
  const mistakes: FileMistake[] = [];
  const documents = (await readFiles(paths)).flatMap((file) => {
    const parsed = parseDocuments(file, environment);
    mistakes.push(...parsed.mistakes);
    return parsed.documents;
  });
  if (mistakes.length > 0) throw new FileMistakes(mistakes);
  const usable = documents.filter(({ value }) => value !== null);
  mistakes.push(...usable.flatMap((document) => checkShape(document)));
  if (mistakes.length > 0) throw new FileMistakes(mistakes);
  if (!allowClearSecrets) mistakes.push(...usable.flatMap((document) => findClearSecrets(document)));
  for (const document of usable) mistakes.push(...(await readTexts(document, environment)));
  const name = readName(usable, paths, mistakes);
  if (mistakes.length > 0) throw new FileMistakes(mistakes);
  return join(name, usable);
}

/** Puts the texts of `{env: …}` and `{file: …}` in their places. */
async function readTexts(
  document: ParsedDocument,
  environment: ReadOptions['environment'],
): Promise<FileMistake[]> {
  const mistakes: FileMistake[] = [];
  async function walk(value: unknown, path: readonly (string | number)[]): Promise<unknown> {
    if (Array.isArray(value)) return Promise.all(value.map((item, index) => walk(item, [...path, index])));
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value);
    const [first] = entries;
    const isSource = entries.length === 1 && first !== undefined && typeof first[1] === 'string';
    if (isSource && (first[0] === 'env' || first[0] === 'file')) {
      const text = await readSource(first[0], first[1] as string, { document, environment });
      if (typeof text === 'string') return text;
      mistakes.push({ place: document.locate(path), message: text.message });
      return null;
    }
    const read = await Promise.all(
      entries.map(async ([key, item]) => [key, await walk(item, [...path, key])] as const),
    );
    return Object.fromEntries(read);
  }
  Object.assign(document, { value: await walk(document.value, []) });
  return mistakes;
}

async function readSource(
  kind: 'env' | 'file',
  name: string,
  { document, environment }: { readonly document: ParsedDocument } & Pick<ReadOptions, 'environment'>,
): Promise<string | { readonly message: string }> {
  if (kind === 'env')
    return environment[name] ?? { message: `the environment has no variable ${quoteValue(name)}; set it.` };
  try {
    // the line break with which editors end a file is not part of a secret
    return (await readFile(resolve(dirname(document.file), name), 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { message: `the file ${quoteValue(name)} cannot be read (${code ?? String(error)}).` };
  }
}

function readName(
  documents: readonly ParsedDocument[],
  paths: readonly string[],
  mistakes: FileMistake[],
): string {
  const named = documents.flatMap((document) => {
    const { name } = document.value as { name?: string };
    return typeof name === 'string' ? [{ document, name }] : [];
  });
  const [first] = named;
  if (first === undefined)
    mistakes.push({
      place: documents[0]?.locate([]) ?? paths.join(', '),
      message: 'name is missing; expected a name for this configuration, such as production.',
    });
  for (const { document, name } of named)
    if (name !== first?.name)
      mistakes.push({
        place: document.locate(['name']),
        message: `name is ${quoteValue(name)}, and ${quoteValue(first?.name ?? '')} in another file; one configuration has one name.`,
      });
  return first?.name ?? '';
}

function join(name: string, documents: readonly ParsedDocument[]): ConfigurationFiles {
  const joined = Object.fromEntries(sections.map((section) => [section, [] as Entry[]]));
  const origins = new Map<string, Origin>();
  const add = (section: string, entry: Entry, origin: Origin): void => {
    const list = joined[section] ?? [];
    origins.set(`${section}.${list.length}`, origin);
    list.push(entry);
  };
  for (const document of documents)
    for (const section of sections) {
      const entries = ((document.value as Record<string, unknown>)[section] ?? []) as readonly Entry[];
      for (const [index, entry] of entries.entries()) {
        const { remote } = entry;
        const path = [section, index];
        if (section !== 'repositories' || remote === null || typeof remote !== 'object') {
          add(section, entry, { document, path });
          continue;
        }
        const own = { name: entry['name'], ...remote } as { name: string };
        add('remotes', own, { document, path: [...path, 'remote'] });
        add(section, { ...entry, remote: own.name }, { document, path });
      }
    }
  return {
    configuration: { name, ...joined },
    locate([section = '', index = '', ...rest]) {
      const origin = origins.get(`${section}.${index}`);
      if (origin === undefined) return documents[0]?.locate(section === 'name' ? ['name'] : []) ?? '';
      return origin.document.locate([...origin.path, ...toPlace(rest)]);
    },
  };
}
