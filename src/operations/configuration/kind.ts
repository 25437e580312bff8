import type { Viewer } from '../../access/viewer.ts';
import type { SecretBox } from '../../access/secrets.ts';
import type { NamedKind } from '../../db/configuration/named-things.ts';
import type { ConfiguredKind } from '../../db/schema/configuration.ts';
import type { Em } from '../../db/open-database.ts';
import type { Operator, Outcome, Reference } from '../operation.ts';
import type { CheckRules } from '../signature-policies.ts';
import type { SyncDeps } from '../syncs.ts';
import type { Present, Section, Values } from './configuration.ts';

/** What applying a configuration needs. */
export interface ConfigurationDeps extends SyncDeps {
  readonly secrets: SecretBox;
  readonly checkRules: CheckRules;
  /** Whether logins are on. */
  readonly isAccessOn: boolean;
}

/** Which rows to read: those with these names, or those with these ids. */
export type Which = { readonly names: readonly string[] } | { readonly ids: readonly number[] };

export interface Reader {
  readonly em: Em;
  readonly viewer: Viewer;
  readonly secrets: SecretBox;
  /** Whether logins are on. */
  readonly isAccessOn: boolean;
}

/** Fields that name something else, with its kind. A row has the id: `remoteId` for `remote`. */
export type References<Field extends string = string> = Readonly<Record<Field, NamedKind>>;

/** Who makes changes, in a transaction that is undone where one of them has mistakes. */
export interface Maker extends Operator {
  /** The id of what has this name; undefined where nothing has. */
  readonly idOf: (kind: NamedKind, name: string) => number | undefined;
}

/** One kind of thing in a configuration: how it is read, and by which operations it is made so. */
export interface Kind {
  readonly kind: ConfiguredKind;
  readonly section: Section;
  /** The field with the name. */
  readonly nameField: 'name' | 'basePath';
  /** Fields that a configuration may leave out, with what they are then. */
  readonly defaults: Values;
  /** Fields that are kept where the configuration omits them: secrets, and what depends on the server. */
  readonly kept: readonly string[];
  /** Fields that are never shown. */
  readonly secrets: readonly string[];
  /** A value as it may be shown, where a part of it is secret. */
  readonly withoutSecrets?: (field: string, value: unknown) => unknown;
  readonly references: References;
  /** The same for entries of a list, by the field with the list. */
  readonly listReferences?: Readonly<Record<string, References>>;
  /** The fields as they would be stored. */
  readonly settle?: (values: Values) => Values;
  /** Whether a field is as wanted; default: both are the same JSON. */
  readonly isSame?: (field: string, wanted: unknown, present: Present) => boolean;
  /** What the viewer may read. */
  readonly read: (reader: Reader, which: Which) => Promise<Present[]>;
  readonly create: (maker: Maker, deps: ConfigurationDeps, values: Values) => Promise<Outcome<number>>;
  /** `changes` are the fields that differ, `values` are all. */
  readonly update: (maker: Maker, deps: ConfigurationDeps, change: UpdateOf) => Promise<Outcome<unknown>>;
  readonly remove: (maker: Maker, deps: ConfigurationDeps, thing: Reference) => Promise<Outcome<undefined>>;
}

export interface UpdateOf {
  readonly thing: Reference;
  readonly changes: Values;
  readonly values: Values;
}

/** The condition of a read. */
export function whereOf(which: Which, nameField: string): Readonly<Record<string, unknown>> {
  if ('ids' in which) return { id: { $in: [...which.ids] } };
  return { [nameField]: { $in: [...which.names] } };
}

export const inOrderOfIds = { orderBy: { id: 'asc' } } as const;
