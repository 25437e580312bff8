import type { ConfiguredKind } from '../../db/schema/configuration.ts';

/** Fields of one thing in the words of the API, with names in place of ids. */
export type Values = Readonly<Record<string, unknown>>;

/** The content of tidemark.yaml, checked for shape. Omitted fields have their defaults. */
export interface Configuration {
  /** Whose things `prune` deletes. */
  readonly name: string;
  readonly signaturePolicies: readonly Values[];
  readonly credentials: readonly Values[];
  readonly remotes: readonly Values[];
  /** With `schedules`, a list. */
  readonly repositories: readonly Values[];
  readonly distributions: readonly Values[];
  readonly mirrorRules: readonly Values[];
  readonly proxies: readonly Values[];
  readonly webhooks: readonly Values[];
}

export type Section = Exclude<keyof Configuration, 'name'>;

export interface FieldChange {
  readonly field: string;
  /** Null for a secret, which is never shown. */
  readonly from: unknown;
  readonly to: unknown;
  readonly isSecret: boolean;
}

/** One thing to create, change or delete. */
export interface Change {
  readonly action: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly kind: ConfiguredKind;
  /** The name, or the base path; of a schedule, the name of its repository. */
  readonly name: string;
  /** Its place in the configuration: `["remotes", "3"]`; empty for what is deleted. */
  readonly path: readonly string[];
  /** Those that differ; of a new thing, those that differ from the defaults. */
  readonly fields: readonly FieldChange[];
  /** Undefined for a new thing, and for the distribution that a new repository brings. */
  readonly id: number | undefined;
  /** All fields as they are to be; empty for what is deleted. */
  readonly wanted: Values;
  /** Changes of one unit are made in one transaction: a repository with its remote, schedules and distributions. */
  readonly unit: string;
}

/** Something that is there, with the fields of a configuration. */
export interface Present {
  /** 0 for the distribution that a new repository brings. */
  readonly id: number;
  readonly name: string;
  readonly values: Values;
}
