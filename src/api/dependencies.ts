import type { Logger } from 'pino';
import type { SecretBox } from '../access/secrets.ts';
import type { Database } from '../db/open-database.ts';
import type { ContentKey, ContentSource } from '../oci/content-source.ts';
import type { WorkflowStarter } from './workflow-client.ts';

export interface ApiConfig {
  /** The address that the server listens on; on loopback, foreign Host headers are refused. */
  readonly host: string;
  /** Whether remotes may name loopback and private addresses (FAULTS.md, head). */
  readonly allowPrivate: boolean;
  /** Hosts, and CIDR ranges, on private addresses that may be upstreams all the same. */
  readonly allowUpstream: readonly string[];
  readonly temporalUiUrl: string | undefined;
  readonly temporalNamespace: string;
}

/** Where the Distribution API reads blobs: the blob store. */
export interface BlobSource extends ContentSource {
  /** Whether the content is stored whole (present with this size). */
  exists(descriptor: Pick<ContentKey, 'digest' | 'size'>): Promise<boolean>;
}

/** What main.ts hands in. */
export interface ApiDependencies {
  readonly database: Database;
  readonly workflows: WorkflowStarter;
  readonly secrets: SecretBox;
  readonly config: ApiConfig;
  readonly blobs: BlobSource;
  /** Rejects while the blob store cannot be written. */
  readonly checkStore: () => Promise<void>;
  readonly logger: Logger;
}
