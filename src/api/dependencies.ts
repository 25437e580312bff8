import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Access } from '../access/access.ts';
import type { SecretBox } from '../access/secrets.ts';
import type { Database } from '../db/open-database.ts';
import type { Remote } from '../db/schema/remotes.ts';
import type { UploadFolder } from '../content/folder/upload-folder.ts';
import type { RedirectingStore } from '../content/store.ts';
import type { ContentSource } from '../oci/content-source.ts';
import type { UnreadConfig } from '../db/staging/image-platforms.ts';
import type { PullOutcome } from '../db/versions/pull-content.ts';
import type { PolicyKey } from '../db/schema/signatures.ts';
import type { Digest } from '../oci/digest.ts';
import type { RegistryProbe } from '../oci/hosts/registry-probe.ts';
import type { RuleMistake, SignatureRules } from '../oci/signatures/signature-rules.ts';
import type { WorkflowStarter } from '../operations/workflows.ts';

export interface ApiConfig {
  /** The address that the server listens on; on loopback, foreign Host headers are refused. */
  readonly host: string;
  /** Where clients reach this server; undefined: as their requests say, over http. */
  readonly publicUrl?: string | undefined;
  /** Whether remotes may name loopback and private addresses. */
  readonly allowPrivate: boolean;
  /** Hosts, and CIDR ranges, on private addresses that may be upstreams all the same. */
  readonly allowUpstream: readonly string[];
  readonly temporalUiUrl: string | undefined;
  readonly temporalNamespace: string;
  /** The largest manifest that is taken. */
  readonly manifestMaxBytes: number;
}

/** What is not stored, read from the remotes that have it while clients wait; `src/on-demand/` is it. */
export interface UpstreamReader {
  /**
   * Where a blob can be read that is not stored; its bytes are verified before the last one is given out.
   * @throws TidemarkError of the upstream's, also while it is read.
   */
  openBlob(blob: {
    readonly repositoryId: number;
    readonly digest: Digest;
    readonly sizeBytes: number;
  }): Promise<ContentSource>;
  /**
   * Looks for a tag or digest that a repository does not have at a remote, and keeps it, as a new version of the repository. Under a policy, it
   * is kept only where it is verified, with what signs it; of what the repository has, what signs it is looked for.
   * @throws TidemarkError of the upstream's
   */
  pullManifest(missing: {
    readonly repositoryId: number;
    readonly remoteId: number;
    readonly reference: { readonly tag: string } | { readonly digest: Digest };
    readonly policies: readonly PolicyKey[];
  }): Promise<PullOutcome>;
  /** Tries a remote without fetching anything. What is wrong with it is in the answer. @throws the signal's reason. */
  testRemote(remote: Remote, signal: AbortSignal): Promise<RegistryProbe>;
}

/** `upstream/check-signatures.ts` says what its functions do. */
export interface SignatureChecks {
  readonly checkRules: (rules: SignatureRules) => Promise<readonly RuleMistake[]>;
  check(
    policy: PolicyKey,
    signatureIds: readonly number[],
    options: {
      /** For whom: what it does not hold is not read. */
      readonly repositoryId: number;
      readonly signal?: AbortSignal;
      readonly budget?: AbortSignal;
      readonly untilValid?: boolean;
    },
  ): Promise<'done' | 'out-of-time'>;
  readConfigs(configs: readonly UnreadConfig[], signal: AbortSignal): Promise<void>;
}

/** Logs each request to `/v2/`; see `api/access-log.ts`. */
export interface AccessLog {
  /** Writes a line when the response has ended. */
  watch(request: FastifyRequest, response: ServerResponse): void;
}

/** What main.ts hands in. */
export interface ApiDependencies {
  readonly database: Database;
  readonly workflows: WorkflowStarter;
  readonly secrets: SecretBox;
  /** Who asks, and whether anybody is asked who they are. */
  readonly access: Access;
  readonly config: ApiConfig;
  readonly blobs: RedirectingStore;
  readonly upstreams: UpstreamReader;
  readonly uploads: Omit<UploadFolder, 'sweep'>;
  readonly signatures: SignatureChecks;
  /** Rejects while the blob store cannot be written. */
  readonly checkStore: () => Promise<void>;
  readonly logger: Logger;
  /** Undefined: none (`TIDEMARK_ACCESS_LOG`). */
  readonly accessLog?: AccessLog | undefined;
}
