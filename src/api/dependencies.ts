import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Access } from '../access/access.ts';
import type { SecretBox } from '../access/secrets.ts';
import type { Database } from '../db/open-database.ts';
import type { Remote } from '../db/schema/remotes.ts';
import type { UploadStore } from '../content/upload-store.ts';
import type { RedirectingStore } from '../content/store.ts';
import type { ContentSource } from '../oci/content-source.ts';
import type { UnreadConfig } from '../db/staging/image-platforms.ts';
import type { PullOutcome } from '../db/versions/pull-content.ts';
import type { PolicyKey } from '../db/schema/signatures.ts';
import type { TagAnswer } from '../db/schema/tag-checks.ts';
import type { Digest } from '../oci/digest.ts';
import type { ProxyOutcome, ProxyWish } from '../oci/hosts/proxied-name.ts';
import type { RegistryProbe } from '../oci/hosts/registry-probe.ts';
import type { RuleMistake, SignatureRules } from '../oci/signatures/signature-rules.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { ProcessMetrics } from '../telemetry/metrics.ts';
import type { WorkflowStarter } from '../operations/workflows.ts';

/**
 * An address of this server that serves the names below one base path without it, as a mirror of Docker Hub: dockerd's `registry-mirrors`
 * take an address without a path, and ask there for `library/alpine`.
 */
export interface DockerHubConfig {
  /** The base path of Docker Hub's repositories on this server. */
  readonly basePath: string;
  /** The port that serves them; undefined: none. */
  readonly port?: number | undefined;
  /** The address as clients write it, without a path: requests with its host are for Docker Hub, on each port. Undefined: none. */
  readonly url?: string | undefined;
}

export interface ApiConfig {
  /** The address that the server listens on. On loopback, foreign Host headers are refused. */
  readonly host: string;
  /** The public URL of this server; undefined: taken from each request, over http. */
  readonly publicUrl?: string | undefined;
  /** Where Docker Hub's repositories are served without their base path; undefined: nowhere. */
  readonly dockerHub?: DockerHubConfig | undefined;
  /** Whether remotes may name loopback and private addresses. */
  readonly allowPrivate: boolean;
  /** Hosts and CIDR ranges on private addresses that are allowed as upstreams. */
  readonly allowUpstream: readonly string[];
  readonly temporalUiUrl: string | undefined;
  readonly temporalNamespace: string;
  /** The largest accepted manifest. */
  readonly manifestMaxBytes: number;
  /** Of this program. */
  readonly version: string;
  /** Whether each repository has metrics of its own. Default: false. */
  readonly repositoryMetrics?: boolean;
  /** The folder of the built web console; undefined: none, as in a build without it. */
  readonly webFolder?: string | undefined;
}

/** Reads missing content from its remotes while a client waits (`src/on-demand/`). */
export interface UpstreamReader {
  /**
   * A source for a blob that is not stored. The last byte is withheld until size and digest are verified.
   * @throws TidemarkError of the upstream, also while reading.
   */
  openBlob(blob: {
    readonly repositoryId: number;
    readonly digest: Digest;
    readonly sizeBytes: number;
  }): Promise<ContentSource>;
  /**
   * Looks up a tag or digest that a repository lacks at a remote, and stores it as a new version. Under a policy it is stored only if it is
   * verified, with its signatures. For present content, only its signatures are looked up.
   * @throws TidemarkError of the upstream
   */
  pullManifest(missing: {
    readonly repositoryId: number;
    readonly remoteId: number;
    readonly reference: { readonly tag: string } | { readonly digest: Digest };
    readonly policies: readonly PolicyKey[];
    readonly notFoundTtlSeconds: number;
  }): Promise<PullOutcome>;
  /**
   * Asks a remote about a stored tag whose time is over, once for all processes. A tag that has moved is stored as a new version. After a second
   * the question goes on behind the client.
   */
  refreshTag(tag: {
    readonly repositoryId: number;
    readonly remoteId: number;
    readonly tag: string;
    readonly digest: Digest;
    readonly ttlSeconds: number;
    readonly policies: readonly PolicyKey[];
  }): Promise<TagAnswer>;
  /**
   * Makes the repository of a name below a proxy's base path, once the upstream has answered that it has the manifest. A question that still
   * waits for its turn ends when all its clients have left.
   * @throws TidemarkError of the upstream; the signal's reason
   */
  makeProxied(wish: ProxyWish, client?: AbortSignal): Promise<ProxyOutcome>;
  /** Evicts what the proxies of these repositories have too much in their caches, without a wait. */
  trimCaches(repositoryIds: readonly number[]): void;
  /** Tests a remote without fetching content. The answer contains the problems. @throws the signal's reason. */
  testRemote(remote: Remote, signal: AbortSignal): Promise<RegistryProbe>;
}

/** See `upstream/check-signatures.ts`. */
export interface SignatureChecks {
  readonly checkRules: (rules: SignatureRules) => Promise<readonly RuleMistake[]>;
  check(
    policy: PolicyKey,
    signatureIds: readonly number[],
    options: {
      /** Only signatures that this repository holds are read. */
      readonly repositoryId: number;
      readonly signal?: AbortSignal;
      readonly budget?: AbortSignal;
      readonly untilValid?: boolean;
    },
  ): Promise<'done' | 'out-of-time'>;
  readConfigs(configs: readonly UnreadConfig[], signal: AbortSignal): Promise<void>;
}

/** Counts what clients pull (`api/pull-counter.ts`). */
export interface PullCounter {
  /** A stored blob was pulled through a repository: it stays in the cache longer. */
  use(blob: { readonly repositoryId: number; readonly digest: Digest }): void;
  /** Call it once the answer is sent. `pulls` counts manifests. */
  count(pull: { readonly repositoryId: number; readonly pulls: number; readonly bytes: number }): void;
}

/** Logs each request to `/v2/` (`api/access-log.ts`). */
export interface AccessLog {
  /** Writes a line when the response has ended. */
  watch(request: FastifyRequest, response: ServerResponse): void;
}

/** The dependencies of the API, built by the process. */
export interface ApiDependencies {
  readonly database: Database;
  readonly workflows: WorkflowStarter;
  readonly secrets: SecretBox;
  /** Authenticates callers. */
  readonly access: Access;
  readonly config: ApiConfig;
  readonly blobs: RedirectingStore;
  readonly upstreams: UpstreamReader;
  readonly pulls: PullCounter;
  readonly uploads: Omit<UploadStore, 'sweep'>;
  readonly signatures: SignatureChecks;
  /** Rejects while the blob store cannot be written. */
  readonly checkStore: () => Promise<void>;
  readonly logger: Logger;
  /** Runs a request in a span; undefined: no traces. */
  readonly tracing?: Pick<Tracing, 'serve'> | undefined;
  /** What this process counts; undefined: nothing. */
  readonly processMetrics?: Pick<ProcessMetrics, 'print'> | undefined;
  /** Undefined: none (`TIDEMARK_ACCESS_LOG`). */
  readonly accessLog?: AccessLog | undefined;
}
