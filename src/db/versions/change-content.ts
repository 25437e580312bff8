import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { isDigest } from '../../oci/digest.ts';
import { isTagName } from '../../oci/tag-name.ts';
import { changeContent } from './content-draft.ts';
import type { ContentChanged } from './content-draft.ts';
import {
  checkDigest,
  checkList,
  checkPresent,
  checkSource,
  checkTag,
  checkVersion,
  refuseHeld,
} from './content-mistakes.ts';
import { isIn, isInVersion } from './memberships.ts';
import { copyAbsences, restoreAbsences } from './settle-absences.ts';
import { addRoots, endRoots, endTags, setTags, settleRoots } from './write-roots.ts';
import { copyFollowers } from './copy-followers.ts';
import { preferred } from '../content/meaning.ts';
import { copySources } from '../content/held-blobs.ts';
import type { Em } from '../open-database.ts';
import type { VersionKey } from '../reads/read-versions.ts';
import { copySignatures, restoreSignatures } from './copy-signatures.ts';
import { kysely } from '../sql.ts';
import type { Visibility } from '../access/visibility.ts';

/**
 * Changes of content by a caller. Each makes one version, or none if nothing changes, and throws as `changeContent`
 * does. Only `removeContent` removes manifests that lose their last tag; otherwise they stay untagged.
 */

/** Tags a manifest of the latest version. An existing tag moves; its former manifest stays untagged. */
export async function tagManifest(
  em: Em,
  change: { readonly repositoryId: number; readonly tag: string; readonly digest: string },
): Promise<ContentChanged> {
  const { repositoryId, tag, digest } = change;
  return changeContent(em, {
    repositoryId,
    mistakes: [...checkTag(['tag'], tag), ...checkDigest(['digest'], digest)],
    check: (transaction, draft) => checkPresent(transaction, draft, { digests: [digest], isList: false }),
    write: async (transaction, draft) => {
      await setTags(
        transaction,
        draft,
        sql`select ${tag}::text collate "C" as name, m.id as manifest_id from manifest m
          join membership t on t.repository_id = ${repositoryId} and t.kind = 'manifest' and t.content_id = m.id and t.removed_in is null
        where m.digest = ${digest} order by ${preferred} limit 1`,
      );
      await settleRoots(transaction, draft);
    },
  });
}

/** The manifest stays untagged. */
export async function untag(
  em: Em,
  change: { readonly repositoryId: number; readonly tag: string },
): Promise<ContentChanged> {
  const { repositoryId, tag } = change;
  return changeContent(em, {
    repositoryId,
    mistakes: checkTag(['tag'], tag),
    check: (transaction, draft) => checkPresent(transaction, draft, { tags: [tag], isList: false }),
    write: async (transaction, draft) => {
      await endTags(transaction, draft, sql`t.name = ${tag}`);
      await settleRoots(transaction, draft);
    },
  });
}

/**
 * Copies tags with their graphs, companions and referrers from any version. `tags` null: all tags and untagged
 * manifests. Existing tags move; their former manifests stay untagged.
 */
export async function copyContent(
  em: Em,
  change: {
    readonly repositoryId: number;
    readonly source: VersionKey;
    readonly tags: readonly string[] | null;
    /** The remotes that the caller may use. They are copied as sources of blobs that are not stored. */
    readonly usableRemotes: Visibility;
  },
): Promise<ContentChanged> {
  const { repositoryId, source, tags, usableRemotes } = change;
  const wanted = (tags ?? []).filter(isTagName);
  const isChosen = tags === null ? sql`true` : sql`t.name = any(${wanted}::text[])`;
  return changeContent(em, {
    repositoryId,
    copiedFrom: source.repositoryId,
    mistakes: tags === null ? [] : checkList('tags', tags, checkTag),
    check: async (transaction) => checkSource(transaction, source, tags ?? []),
    write: async (transaction, draft) => {
      await setTags(
        transaction,
        draft,
        sql`select t.name, t.manifest_id from tag_membership t
          where t.repository_id = ${source.repositoryId} and ${isIn('t', source.number)} and ${isChosen}`,
      );
      await settleRoots(transaction, draft);
      if (tags === null) await addRoots(transaction, draft, source);
      else await copyFollowers(transaction, draft, { version: source, tags: wanted });
      await copyAbsences(transaction, draft, source, chosenRoots(source, tags === null, isChosen));
      await copySignatures(transaction, draft, source);
      await copySources(transaction, draft, { repositoryId: source.repositoryId, usableRemotes });
    },
  });
}

function chosenRoots(
  source: VersionKey,
  withRoots: boolean,
  isChosen: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const roots = sql`union select r.manifest_id from root_membership r where ${isInVersion('r', source)}`;
  return sql`select t.manifest_id from tag_membership t where ${isInVersion('t', source)} and ${isChosen}
    ${withRoots ? roots : sql``}`;
}

/**
 * Removes tags, and manifests by digest with all their tags, and the content that becomes unreferenced. `IN_USE` for a
 * manifest that a remaining index lists.
 */
export async function removeContent(
  em: Em,
  change: {
    readonly repositoryId: number;
    readonly tags: readonly string[];
    readonly digests: readonly string[];
  },
): Promise<ContentChanged> {
  const { repositoryId, tags, digests } = change;
  const ofDigests = sql`(select id from manifest where digest = any(${digests.filter(isDigest)}::text[]))`;
  return changeContent(em, {
    repositoryId,
    mistakes: [...checkList('tags', tags, checkTag), ...checkList('digests', digests, checkDigest)],
    check: (transaction, draft) => checkPresent(transaction, draft, { tags, digests, isList: true }),
    write: async (transaction, draft) => {
      await endTags(
        transaction,
        draft,
        sql`(t.name = any(${tags.filter(isTagName)}::text[]) or t.manifest_id in ${ofDigests})`,
      );
      await endRoots(transaction, draft, sql`r.manifest_id in ${ofDigests}`);
    },
    finish: (transaction, draft) => refuseHeld(transaction, draft, digests),
  });
}

/** Restores the content of a version as a new version, unless it is the latest content already. Mirrors allow it. */
export async function restoreVersion(em: Em, version: VersionKey): Promise<ContentChanged> {
  const { repositoryId, number } = version;
  return changeContent(em, {
    repositoryId,
    isForMirrors: true,
    // Exactly the version: companions must not leave.
    followers: sql`false`,
    mistakes: [],
    check: (transaction) => checkVersion(transaction, version),
    write: async (transaction, draft) => {
      await endTags(
        transaction,
        draft,
        sql`t.added_in > ${number} and not exists (select from tag_membership b where b.repository_id = t.repository_id
          and b.name = t.name and b.manifest_id = t.manifest_id and ${isIn('b', number)})`,
      );
      await setTags(
        transaction,
        draft,
        sql`select t.name, t.manifest_id from tag_membership t
          where t.repository_id = ${repositoryId} and t.added_in <= ${number} and t.removed_in > ${number}`,
      );
      await endRoots(
        transaction,
        draft,
        sql`r.added_in > ${number} and not exists (select from root_membership b where b.repository_id = r.repository_id
          and b.name = r.name and b.manifest_id = r.manifest_id and ${isIn('b', number)})`,
      );
      await addRoots(transaction, draft, version);
      await restoreAbsences(transaction, draft, version);
      await restoreSignatures(transaction, draft, version);
    },
    finish: async (transaction, _, { createdVersion }) => {
      await kysely(transaction)
        .updateTable('repository_version')
        .set({ base_number: number })
        .where('repository_id', '=', repositoryId)
        .where('number', '=', createdVersion)
        .execute();
    },
  });
}
