import { Migration } from '@mikro-orm/migrations';

/** A manifest is its bytes read as one media type: the same bytes under two types are two rows, each with edges of its own. */
export class Migration0013Meanings extends Migration {
  override name = '0013-meanings';

  up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const statements = [
  // '': a parent of before this migration names the digest, and nobody has said the type yet
  `update manifest set media_type = '' where media_type is null`,
  `alter table manifest alter column media_type set default '', alter column media_type set not null`,
  `create unique index manifest_meaning on manifest (digest, media_type)`,
  `alter table manifest drop constraint manifest_digest_key`,
  // whether the document has a mediaType of its own: then its bytes have one meaning, whoever serves them
  `alter table manifest add column is_typed boolean not null default false`,
  // entry: named by an index, under a type that is no manifest's
  `alter table manifest_blob drop constraint manifest_blob_role_check,
    add constraint manifest_blob_role_check check (role in ('config', 'layer', 'entry'))`,
  // whether the descriptor has the bytes themselves in it (image-spec, descriptor.md: data)
  `alter table manifest_blob add column has_data boolean not null default false`,
  // is_entry: an index names it, so that it may stand at /manifests/; is_optional: an upstream need not have it; inline_manifest_id: whose descriptor has the bytes
  `alter table sync_blob add column is_entry boolean not null default false,
    add column is_optional boolean not null default false,
    add column is_absent boolean not null default false,
    add column inline_manifest_id bigint`,
];
