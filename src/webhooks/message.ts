/** An event as it is told. */
export interface WebhookMessage {
  /** The same in each attempt and redelivery: receivers know repeated deliveries by it. */
  readonly id: string;
  /** Events that happened later have a higher number, apart from those of transactions at the same time. */
  readonly sequence: number;
  /** Of `event-names.ts`. */
  readonly name: string;
  readonly occurredAt: Date;
  /** Null for a ping. */
  readonly repository: { readonly id: string; readonly name: string } | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where messages come from. */
export interface MessageSource {
  /** The id of the database. */
  readonly installation: string;
  /** Where clients reach this server; undefined: unknown. */
  readonly publicUrl: string | undefined;
}

export type TagChange = 'ADDED' | 'MOVED' | 'REMOVED';

export interface ChangedTag {
  readonly tag: string;
  readonly change: TagChange;
  /** Null where it was removed. */
  readonly digest: string | null;
  /** Null where it was added. */
  readonly previousDigest: string | null;
}

/** The tags of `repository.version.created`. */
export interface TagChanges {
  readonly added: number;
  readonly moved: number;
  readonly removed: number;
  /** The first by name. */
  readonly sample: readonly ChangedTag[];
  readonly isTruncated: boolean;
}

/** A body with its media type. */
export interface MessageBody {
  readonly contentType: string;
  readonly text: string;
}
