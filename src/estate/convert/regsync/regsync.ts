import { quoteValue } from '../../../oci/error.ts';
import { isTagName } from '../../../oci/tag-name.ts';
import type { EstateDraft } from '../estate-draft.ts';
import type { SchedulePart } from '../estate-file.ts';
import { readCron, readInterval } from '../go-schedule.ts';
import { pinnedNote, readImage, urlOf } from '../image.ts';
import type { Image } from '../image.ts';
import type { Fields, Source } from '../source.ts';
import { tagSet } from '../tag-set.ts';
import type { TagSet } from '../tag-set.ts';
import { entryLeftOut, globalLeftOut, limitLeftOut } from './left-out.ts';
import { readRegistries } from './registries.ts';
import type { Registry } from './registries.ts';
import { readTagFilters } from './tag-filters.ts';

/** What entries share. */
interface Context {
  readonly draft: EstateDraft;
  readonly registries: ReadonlyMap<string, Registry>;
  readonly defaults: Fields | undefined;
  /** `defaults.ratelimit.min` */
  readonly reserve: number | undefined;
  /** Registries of targets that were reported. */
  readonly targets: Set<string>;
}

/** Converts `regsync.yml`, version 1 (regclient.org, "regsync"; regclient/regclient, cmd/regsync/config.go). */
export function convertRegsync(root: Source, draft: EstateDraft): void {
  const fields = root.fields();
  const version = fields.get('version');
  if (version !== undefined && version.text() !== '1')
    version.findings.differs(
      version,
      `It is ${quoteValue(version.text())}; version 1 is known. The file was read as version 1.`,
    );
  // "x-*" is for values with anchors
  fields.ignore(...fields.names().filter((name) => name.startsWith('x-')));
  const entries = (fields.get('sync')?.list() ?? []).map((entry) => ({ entry, fields: entry.fields() }));
  const sources = new Set(entries.flatMap(({ fields: entry }) => hostOfSource(entry) ?? []));
  const registries = readRegistries(fields.get('creds'), sources);
  for (const { credential } of registries.values())
    if (credential !== undefined) draft.addCredential(credential);
  const defaults = fields.get('defaults')?.fields();
  defaults?.leaveOut({ ...entryLeftOut, ...globalLeftOut });
  defaults?.ignore('interval', 'schedule', 'includeExternal', 'referrers', 'digestTags');
  const reserve = defaults && readReserve(defaults);
  const context: Context = { draft, registries, defaults, reserve, targets: new Set() };
  for (const { entry, fields: own } of entries) convertEntry(entry, own, context);
}

function hostOfSource(entry: Fields): string | undefined {
  const image = readImage(entry.get('source')?.text() ?? '');
  return 'mistake' in image ? undefined : image.host;
}

function convertEntry(entry: Source, fields: Fields, context: Context): void {
  const problem = findProblem(fields);
  if (problem !== undefined) {
    entry.findings.leftOut(entry, problem);
    fields.all();
    return;
  }
  fields.leaveOut(entryLeftOut);
  const reserveRequests = readReserve(fields) ?? context.reserve;
  const source = readImage(fields.get('source')?.text() ?? '');
  const repository = readTarget(fields, context);
  if ('mistake' in source || repository === undefined) return;
  const tags =
    fields.get('type')?.text() === 'image' ? readOneImage(entry, fields, source) : readFilters(entry, fields);
  const schedules = readSchedules(entry, fields, context.defaults);
  const registry = context.registries.get(source.host);
  const followsUrls =
    (fields.get('includeExternal') ?? context.defaults?.get('includeExternal'))?.boolean() === true;
  const platforms = readPlatforms(fields);
  reportReferrers(fields);
  if (tags === undefined) return;
  context.draft.add({
    about: entry,
    names: [repository],
    url: registry?.url ?? urlOf(source.host),
    upstreamName: registry?.pathPrefix === undefined ? source.name : `${registry.pathPrefix}/${source.name}`,
    connection: { ...registry?.connection, reserveRequests, followLayerUrls: followsUrls ? true : undefined },
    tags,
    platforms,
    schedules,
  });
}

/** `ratelimit.min`: what regsync leaves of the quota before each of its steps. */
function readReserve(fields: Fields): number | undefined {
  const limit = fields.get('ratelimit')?.fields();
  limit?.leaveOut(limitLeftOut);
  const least = Math.floor(limit?.get('min')?.number() ?? 0);
  return least >= 1 && least <= 1_000_000 ? least : undefined;
}

/** Why a whole entry has no equivalent. */
function findProblem(fields: Fields): string | undefined {
  const [type, source, target] = ['type', 'source', 'target'].map((name) => fields.get(name)?.text() ?? '');
  if (type === 'registry')
    return `It mirrors all repositories of ${quoteValue(source)}. Write a mirror rule for it (the section mirrorRules), or list the repositories, one entry each.`;
  if (type !== 'image' && type !== 'repository')
    return `Its type is ${quoteValue(type)}; expected repository or image.`;
  for (const text of [source ?? '', target ?? '']) {
    if (text.includes('{{'))
      return `${quoteValue(text)} is a template, whose text is not in the file. Write it out.`;
    if (text.startsWith('ocidir://') && text === source)
      return `${quoteValue(text)} is a folder; a remote is a registry.`;
    if (text.startsWith('ocidir://')) continue;
    const image = readImage(text);
    if ('mistake' in image) return image.mistake;
  }
  return undefined;
}

/** The repository's name, and once a registry the news that none is needed. */
function readTarget(fields: Fields, { targets }: Context): string | undefined {
  const target = fields.get('target');
  const text = target?.text();
  if (target === undefined || text === undefined) return undefined;
  if (text.startsWith('ocidir://')) {
    const name = text
      .slice('ocidir://'.length)
      .replace(/^[./]+/, '')
      .replace(/:[^:/]*$/, '');
    target.findings.differs(
      target,
      `Tidemark stores content in its own way, and serves it as ${quoteValue(name)}.`,
    );
    return name;
  }
  const image = readImage(text);
  if ('mistake' in image) return undefined;
  if (!targets.has(image.host)) {
    targets.add(image.host);
    target.findings.toDo(
      target,
      `Tidemark serves its mirrors itself, so nothing is pushed to ${image.host}. Pull from Tidemark in its place.`,
    );
  }
  return image.name;
}

function readFilters(entry: Source, fields: Fields): TagSet[] | undefined {
  const tags = readTagFilters(fields.get('tags'), fields.get('tagSets'));
  if (tags === undefined)
    entry.findings.leftOut(entry, 'The whole entry, because of its filters of tags (above or below).');
  return tags;
}

/** `type: image`: one tag or digest, `latest` where none is given. */
function readOneImage(entry: Source, fields: Fields, { tag = 'latest', digest }: Image): TagSet[] {
  const reason = 'It is without effect for an image.';
  fields.leaveOut({ tags: reason, tagSets: reason });
  const target = readImage(fields.get('target')?.text() ?? '');
  const renamed = 'mistake' in target ? undefined : (target.tag ?? 'latest');
  if (digest !== undefined) entry.findings.differs(entry, pinnedNote);
  else if (renamed !== undefined && renamed !== tag && isTagName(renamed))
    entry.findings.differs(
      entry,
      `Tidemark keeps the names of tags: ${quoteValue(tag)} stays, and does not become ${quoteValue(renamed)}.`,
    );
  return [tagSet({ names: [digest ?? tag] })];
}

/** A schedule wins over an interval, and both over the defaults. */
function readSchedules(entry: Source, fields: Fields, defaults: Fields | undefined): SchedulePart[] {
  const [schedule, interval] = [fields.get('schedule'), fields.get('interval')];
  const found = schedule ?? interval ?? defaults?.get('schedule') ?? defaults?.get('interval');
  const text = found?.text();
  if (found === undefined || text === undefined) {
    entry.findings.toDo(
      entry,
      'It has neither interval nor schedule. Add a schedule, or sync the repository by hand.',
    );
    return [];
  }
  const read = found.key === 'schedule' ? readCron(text) : readInterval(text);
  if (!('mistake' in read)) return [read];
  found.findings.leftOut(found, `It is ${quoteValue(text)}: ${read.mistake}.`);
  return [];
}

function readPlatforms(fields: Fields): string[] | undefined {
  const [one, several] = [fields.get('platform'), fields.get('platforms')];
  const texts = [...(several?.texts() ?? []), ...(one?.text() === undefined ? [] : [one.text() ?? ''])];
  if (one !== undefined && texts.length > 0)
    one.findings.differs(
      one,
      'regsync copies the image of this platform alone, with its own digest. Tidemark keeps the index, and syncs this platform of it.',
    );
  return texts.length > 0 ? texts : undefined;
}

function reportReferrers(fields: Fields): void {
  for (const name of ['referrers', 'digestTags']) {
    const field = fields.get(name);
    if (field?.boolean() === false)
      field.findings.differs(
        field,
        'Tidemark always copies signatures and other referrers of the images it syncs.',
      );
  }
}
