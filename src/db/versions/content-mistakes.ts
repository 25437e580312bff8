import { sql } from 'kysely';
import { isDigest } from '../../oci/digest.ts';
import { quoteValue } from '../../oci/error.ts';
import { isTagName } from '../../oci/tag-name.ts';
import { ContentRefusedError } from './content-draft.ts';
import type { ContentDraft, ContentMistake } from './content-draft.ts';
import { isKeptNow } from '../content/absences.ts';
import type { Em } from '../open-database.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { kysely } from '../sql.ts';
import { isIn } from './memberships.ts';

type Path = readonly string[];

export function checkTag(field: Path, tag: string): ContentMistake[] {
  if (isTagName(tag)) return [];
  const message = `${quoteValue(tag)} is no tag; expected a letter, digit or _, then up to 127 letters, digits, _ . or -.`;
  return [{ code: 'INVALID', field, message }];
}

export function checkDigest(field: Path, digest: string): ContentMistake[] {
  if (isDigest(digest)) return [];
  const message = `${quoteValue(digest)} is no digest; expected sha256: and 64, or sha512: and 128 lower-case hexadecimal digits.`;
  return [{ code: 'INVALID', field, message }];
}

/** Maximum length of a list of tags or digests. */
const mostEntries = 1_000;

export function checkList(
  name: string,
  entries: readonly string[],
  check: (field: Path, entry: string) => ContentMistake[],
): ContentMistake[] {
  const mistakes = entries.slice(0, mostEntries).flatMap((entry, index) => check([name, `${index}`], entry));
  if (entries.length <= mostEntries) return mistakes;
  const message = `${name} has ${entries.length} entries; at most ${mostEntries} are accepted. Make several changes of it.`;
  return [{ code: 'INVALID', field: [name], message }, ...mistakes];
}

/** Tags and digests that the latest version must have. Other checks refuse malformed ones. */
interface Wanted {
  readonly tags?: readonly string[];
  readonly digests?: readonly string[];
  /** Whether the change has lists. */
  readonly isList: boolean;
}

export async function checkPresent(em: Em, draft: ContentDraft, wanted: Wanted): Promise<ContentMistake[]> {
  const { tags = [], digests = [], isList } = wanted;
  const missingTags = await findMissingTags(em, { ...draft, number: draft.latest }, tags);
  const present = await findPresentDigests(em, draft, digests);
  const where = `in the latest version of ${quoteValue(draft.name)}`;
  return [
    ...tags.flatMap((tag, index): ContentMistake[] => {
      if (!missingTags.has(tag)) return [];
      const field = isList ? ['tags', `${index}`] : ['tag'];
      return [{ code: 'NOT_FOUND', field, message: `There is no tag ${quoteValue(tag)} ${where}.` }];
    }),
    ...digests.flatMap((digest, index): ContentMistake[] => {
      if (!isDigest(digest) || present.has(digest)) return [];
      const field = isList ? ['digests', `${index}`] : ['digest'];
      const message = `There is no manifest ${digest} ${where}; push it, or copy it from a version that has it.`;
      return [{ code: 'NOT_FOUND', field, message }];
    }),
  ];
}

/** Whether the source version exists and has the tags. */
export async function checkSource(
  em: Em,
  source: VersionKey,
  tags: readonly string[],
): Promise<ContentMistake[]> {
  if (!(await isVersion(em, source)))
    return [{ code: 'NOT_FOUND', field: ['sourceVersionId'], message: versionNotFound }];
  const missing = await findMissingTags(em, source, tags);
  return tags.flatMap((tag, index): ContentMistake[] => {
    if (!missing.has(tag)) return [];
    const message = `There is no tag ${quoteValue(tag)} in the version to copy from.`;
    return [{ code: 'NOT_FOUND', field: ['tags', `${index}`], message }];
  });
}

export async function checkVersion(em: Em, version: VersionKey): Promise<ContentMistake[]> {
  if (await isVersion(em, version)) return [];
  return [{ code: 'NOT_FOUND', field: ['versionId'], message: versionNotFound }];
}

const versionNotFound = "There is no such version, or not any more; take one from the repository's versions.";

/** @throws ContentRefusedError for removed manifests that are still in the new version. */
export async function refuseHeld(em: Em, draft: ContentDraft, digests: readonly string[]): Promise<void> {
  const held = await sql<{ digest: string; holder: string }>`
    select m.digest, (
      select min(holder.digest) from manifest_manifest edge
        join membership parent on parent.repository_id = ${draft.repositoryId} and parent.kind = 'manifest'
          and parent.content_id = edge.parent_id and parent.removed_in is null
        join manifest holder on holder.id = edge.parent_id
      where edge.child_id = m.id and ${isKeptNow(draft.repositoryId)}) as holder
    from manifest m join membership p on p.repository_id = ${draft.repositoryId} and p.kind = 'manifest'
      and p.content_id = m.id and p.removed_in is null
    where m.digest = any(${digests.filter(isDigest)}::text[])`.execute(kysely(em));
  const holders = new Map(held.rows.map((row) => [row.digest, row.holder]));
  const mistakes = digests.flatMap((digest, index): ContentMistake[] => {
    const holder = holders.get(digest);
    if (holder === undefined) return [];
    const message = `${digest} belongs to the index ${holder}, which stays; remove that one, or both.`;
    return [{ code: 'IN_USE', field: ['digests', `${index}`], message }];
  });
  if (mistakes.length > 0) throw new ContentRefusedError(mistakes);
}

/** Locks the version against collection. */
async function isVersion(em: Em, { repositoryId, number }: VersionKey): Promise<boolean> {
  const found = await sql`
    select from repository_version where repository_id = ${repositoryId} and number = ${number} for key share`.execute(
    kysely(em),
  );
  return found.rows.length > 0;
}

async function findMissingTags(em: Em, version: VersionKey, tags: readonly string[]): Promise<Set<string>> {
  const wanted = tags.filter(isTagName);
  if (wanted.length === 0) return new Set();
  const found = await sql<{ name: string }>`
    select wanted.name from unnest(${wanted}::text[]) as wanted(name)
    where not exists (select from tag_membership t where t.repository_id = ${version.repositoryId}
      and t.name = wanted.name collate "C" and ${isIn('t', version.number)})`.execute(kysely(em));
  return new Set(found.rows.map((row) => row.name));
}

async function findPresentDigests(
  em: Em,
  draft: ContentDraft,
  digests: readonly string[],
): Promise<Set<string>> {
  const wanted = digests.filter(isDigest);
  if (wanted.length === 0) return new Set();
  const found = await sql<{ digest: string }>`
    select m.digest from manifest m join membership p on p.repository_id = ${draft.repositoryId} and p.kind = 'manifest'
      and p.content_id = m.id and p.removed_in is null
    where m.digest = any(${wanted}::text[])`.execute(kysely(em));
  return new Set(found.rows.map((row) => row.digest));
}
