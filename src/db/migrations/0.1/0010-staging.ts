import { Migration } from '@mikro-orm/migrations';

/** Staging rows of syncs. Only the task's own activities read it. */
export class Migration0010Staging extends Migration {
  override name = '0010-staging';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  `create table sync_name (
    task_id bigint not null references task on delete cascade,
    listing int not null,
    first_position int not null,
    names text[] not null,
    primary key (task_id, listing, first_position)
  )`,
  // Differences from the version that was latest when the tag was compared. manifest_id null: a mirror removes the tag.
  // With an outcome, the commit leaves the tag unchanged. digest: of a manifest that was not stored.
  `create table sync_tag (
    task_id bigint not null references task on delete cascade,
    name text collate "C" not null,
    manifest_id bigint references manifest,
    outcome text check (outcome in ('TOO_YOUNG', 'NOT_VERIFIED', 'NO_PLATFORM', 'FAILED')),
    code text,
    reason text,
    digest text,
    primary key (task_id, name)
  )`,
  `create index sync_tag_holds on sync_tag (manifest_id) where manifest_id is not null`,
  `create table sync_root (
    task_id bigint not null references task on delete cascade,
    manifest_id bigint not null references manifest,
    name text collate "C" not null,
    is_removed boolean not null default false,
    outcome text check (outcome in ('NOT_VERIFIED', 'NO_PLATFORM', 'FAILED')),
    code text,
    reason text,
    primary key (task_id, manifest_id, name)
  )`,
  `create index sync_root_holds on sync_root (manifest_id)`,
  // Content that the upstream could not deliver.
  `create table sync_failure (
    task_id bigint not null references task on delete cascade,
    kind text not null check (kind in ('manifest', 'blob')),
    content_id bigint not null,
    code text not null,
    reason text not null,
    primary key (task_id, kind, content_id)
  )`,
  // Tags that an earlier attempt found equal to the latest version. Those that differ are in sync_tag.
  `create table sync_walked (
    task_id bigint not null references task on delete cascade,
    name text collate "C" not null,
    primary key (task_id, name)
  )`,
  // Present tags in a list with digests, of the listing with this number. manifest_id: the present manifest, if the list has its digest.
  `create table sync_listed (
    task_id bigint not null references task on delete cascade,
    listing int not null,
    name text collate "C" not null,
    manifest_id bigint,
    primary key (task_id, listing, name)
  )`,
  // Companion tags that the upstream lists and the filters exclude. Companions of selected manifests are selected.
  `create table sync_companion (
    task_id bigint not null references task on delete cascade,
    name text collate "C" not null,
    is_selected boolean not null default false,
    primary key (task_id, name)
  )`,
  // Manifests whose companions and referrers are staged.
  `create table sync_asked (
    task_id bigint not null references task on delete cascade,
    manifest_id bigint not null references manifest,
    primary key (task_id, manifest_id)
  )`,
  `create index sync_asked_holds on sync_asked (manifest_id)`,
  // Entries of indexes that the sync leaves out (migration 0007, absent_child).
  `create table sync_absent (
    task_id bigint not null references task on delete cascade,
    parent_id bigint not null,
    position int not null,
    reason text not null check (reason in ('BY_RULE', 'UPSTREAM')),
    primary key (task_id, parent_id, position)
  )`,
  // is_entry: an index lists it, so it may be a manifest at the upstream. is_optional: the upstream may lack it.
  // inline_manifest_id: the manifest whose descriptor contains the bytes.
  `create table sync_blob (
    task_id bigint not null references task on delete cascade,
    batch int not null,
    blob_id bigint not null references blob,
    size_bytes bigint not null,
    is_done boolean not null default false,
    is_entry boolean not null default false,
    is_optional boolean not null default false,
    is_absent boolean not null default false,
    inline_manifest_id bigint,
    primary key (task_id, batch, blob_id)
  )`,
  `create index sync_blob_holds on sync_blob (blob_id)`,
  // Manifests whose atomic signatures are fetched.
  `create table sync_signed (
    task_id bigint not null references task on delete cascade,
    position int not null,
    manifest_id bigint not null references manifest,
    primary key (task_id, position)
  )`,
  `create index sync_signed_manifest on sync_signed (task_id, manifest_id)`,
  `create index sync_signed_holds on sync_signed (manifest_id)`,
  // Manifests whose signatures or referrers could not be read.
  `create table sync_problem (
    task_id bigint not null references task on delete cascade,
    subject_digest text collate "C" not null,
    reason text not null,
    primary key (task_id, subject_digest)
  )`,
  `create table sync_signature (
    task_id bigint not null references task on delete cascade,
    signature_id bigint not null references signature on delete cascade,
    primary key (task_id, signature_id)
  )`,
  // Signatures that the selected images will have. rank is the order of checking within an image.
  `create table sync_signer (
    task_id bigint not null references task on delete cascade,
    signature_id bigint not null references signature on delete cascade,
    rank int not null default 1,
    primary key (task_id, signature_id)
  )`,
];
