/** The settings, read from the environment once. Each has its row in docs/settings.md. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LoginSettings } from './access/login-settings.ts';
import { readDockerHub } from './config-docker-hub.ts';
import type { DockerHubSettings } from './config-docker-hub.ts';
import { readLogins } from './config-logins.ts';
import { readTelemetry } from './config-telemetry.ts';
import type { TelemetrySettings } from './config-telemetry.ts';
import type { CredentialSettings } from './access/credentials/provider.ts';
import { TidemarkError } from './oci/error.ts';
import {
  closestName,
  parseAccessLog,
  parseBlobLocation,
  parseByteCount,
  parseDatabaseUrl,
  parseDuration,
  parseEarlierAccess,
  parseHelpers,
  parseHostPort,
  parseHttpUrl,
  parseInteger,
  parseInterval,
  parseLogLevel,
  parseSecretKeys,
  parseUpstreamRules,
  settingText as text,
} from './config-values.ts';
import type { AccessLogFormat, LogLevel, Read } from './config-values.ts';
import type { EarlierAccess } from './db/distributions/earlier-distributions.ts';
import { parseHostRates } from './timetables/host-rates.ts';
import type { RateTimetable } from './timetables/rates.ts';
import type { S3Location } from './content/s3/s3-location.ts';

export interface Config extends TelemetrySettings {
  /** Absolute path of the one folder that holds all state (`TIDEMARK_DATA`). */
  readonly dataDir: string;
  /** Absolute path of what can be fetched again: the Temporal program (`TIDEMARK_CACHE`). */
  readonly cacheDir: string;
  /** The address that the API listens on (`TIDEMARK_HOST`). */
  readonly host: string;
  /** 0 means any free port (`TIDEMARK_PORT`). */
  readonly port: number;
  /** Undefined: the embedded PostgreSQL. May hold a password (`DATABASE_URL`). */
  readonly databaseUrl: string | undefined;
  /** Connections of one process (`TIDEMARK_DATABASE_POOL`). */
  readonly databasePoolSize: number;
  /** `host:port`. Undefined: the embedded Temporal (`TEMPORAL_ADDRESS`). TLS and API key are @temporalio/envconfig's. */
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string;
  readonly temporalUiUrl: string | undefined;
  readonly taskQueue: string;
  /** Upstream connections of one worker, 1–1000 (`TIDEMARK_WORKER_CONNECTIONS`). */
  readonly workerConnections: number;
  /** Syncs that ask one host at one time, over all workers, 1–1000 (`TIDEMARK_SYNCS_PER_HOST`). */
  readonly syncsPerHost: number;
  /** Limits of bandwidth, by host (`TIDEMARK_HOST_BYTES_PER_SECOND`). */
  readonly hostRates: ReadonlyMap<string, RateTimetable>;
  /** How long a sync waits for a throttled host without any progress (`TIDEMARK_THROTTLE_BUDGET`). */
  readonly throttleBudgetSeconds: number;
  /** Hosts and CIDR ranges on private addresses that may be upstreams, each in lower case (`TIDEMARK_ALLOW_UPSTREAM`). */
  readonly allowUpstream: readonly string[];
  /** 32 bytes each; the first encrypts, all decrypt. Empty: the caller makes one in the data folder (`TIDEMARK_SECRET_KEY`). */
  readonly secretKeys: readonly Buffer[];
  /** A file that holds the same as `TIDEMARK_SECRET_KEY`; the caller reads it with `parseSecretKeys`. */
  readonly secretKeyFile: string | undefined;
  /** What credentials of remotes may use (`TIDEMARK_DOCKER_CONFIG_DIR`, `TIDEMARK_CREDENTIAL_HELPERS`). */
  readonly credentials: CredentialSettings;
  /** Undefined: not set; none, unless others can reach the API, which is then an error (`TIDEMARK_AUTH`, `TIDEMARK_OIDC_…`). */
  readonly logins: LoginSettings | undefined;
  /** Where clients reach the API, as they write it (`TIDEMARK_PUBLIC_URL`). Undefined: as their requests say, over http. */
  readonly publicUrl: string | undefined;
  readonly dockerHub: DockerHubSettings;
  /** What the command line logs in with; secret (`TIDEMARK_TOKEN`). */
  readonly token: string | undefined;
  readonly manifestMaxBytes: number;
  /** Undefined: the folder `blobs` of the data folder (`TIDEMARK_BLOBS`). */
  readonly blobs: S3Location | undefined;
  /** How long content must have been without use before a clean-up removes it (`TIDEMARK_GC_GRACE`). */
  readonly collectionGraceSeconds: number;
  /** Between two clean-ups by themselves; undefined: none (`TIDEMARK_GC_INTERVAL`). */
  readonly collectionIntervalSeconds: number | undefined;
  /** Undefined: no limit (`TIDEMARK_STORAGE_QUOTA_BYTES`). */
  readonly storageQuotaBytes: number | undefined;
  /** The limit of the layers that pulls have fetched; undefined: none (`TIDEMARK_CACHE_BYTES`). */
  readonly cacheBytes: number | undefined;
  /** Who may pull, while logins are on, from what was made while they were off (`TIDEMARK_EARLIER_DISTRIBUTIONS`). */
  readonly earlierDistributions: EarlierAccess | undefined;
  readonly logLevel: LogLevel;
  /** A line on standard output for each request to `/v2/` (`TIDEMARK_ACCESS_LOG`). */
  readonly accessLog: AccessLogFormat;
  /** A server for the command line to use, instead of the one on the data folder (`TIDEMARK_SERVER`). */
  readonly serverUrl: string | undefined;
}

/** The variables of ours that exist; another `TIDEMARK_…` is a spelling mistake that would be silently without effect. */
const KNOWN = [
  'TIDEMARK_DATA',
  'TIDEMARK_CACHE',
  'TIDEMARK_HOST',
  'TIDEMARK_PORT',
  'TIDEMARK_DATABASE_POOL',
  'TIDEMARK_TASK_QUEUE',
  'TIDEMARK_WORKER_CONNECTIONS',
  'TIDEMARK_SYNCS_PER_HOST',
  'TIDEMARK_HOST_BYTES_PER_SECOND',
  'TIDEMARK_THROTTLE_BUDGET',
  'TIDEMARK_ALLOW_UPSTREAM',
  'TIDEMARK_SECRET_KEY',
  'TIDEMARK_SECRET_KEY_FILE',
  'TIDEMARK_DOCKER_CONFIG_DIR',
  'TIDEMARK_CREDENTIAL_HELPERS',
  'TIDEMARK_AUTH',
  'TIDEMARK_OIDC_ISSUER',
  'TIDEMARK_OIDC_AUDIENCE',
  'TIDEMARK_OIDC_JWKS_URL',
  'TIDEMARK_OIDC_GROUPS_CLAIM',
  'TIDEMARK_OIDC_CLIENT_ID',
  'TIDEMARK_OIDC_CLIENT_SECRET',
  'TIDEMARK_OIDC_SCOPES',
  'TIDEMARK_PUBLIC_URL',
  'TIDEMARK_DOCKER_HUB_PORT',
  'TIDEMARK_DOCKER_HUB_URL',
  'TIDEMARK_DOCKER_HUB_BASE_PATH',
  'TIDEMARK_TOKEN',
  'TIDEMARK_MANIFEST_MAX_BYTES',
  'TIDEMARK_BLOBS',
  'TIDEMARK_STORAGE_QUOTA_BYTES',
  'TIDEMARK_CACHE_BYTES',
  'TIDEMARK_GC_GRACE',
  'TIDEMARK_GC_INTERVAL',
  'TIDEMARK_ACCESS_LOG',
  'TIDEMARK_METRICS_ADDRESS',
  'TIDEMARK_METRICS_REPOSITORIES',
  'TIDEMARK_EARLIER_DISTRIBUTIONS',
  'TIDEMARK_SERVER',
] as const;

const noRates: ReadonlyMap<string, RateTimetable> = new Map();
const MIB = 1024 * 1024;
const DAY_SECONDS = 24 * 60 * 60;
const THROTTLE_BUDGET_SECONDS = 2 * 60 * 60;

/**
 * Reads the settings; touches no file and no network. An empty variable counts as not set. Throws one
 * `CONFIG_INVALID` (origin `caller`) that lists every mistake; values of secrets are not repeated in it.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const mistakes = unknownNames(env);
  const read = reader(env, mistakes);
  const port = read('TIDEMARK_PORT', 4000, parseInteger(0, 65_535));
  const publicUrl = read('TIDEMARK_PUBLIC_URL', undefined, parseHttpUrl);
  const config: Config = {
    dataDir: resolve(text(env, 'TIDEMARK_DATA') ?? './data'),
    cacheDir: cacheFolder(env),
    host: text(env, 'TIDEMARK_HOST') ?? '127.0.0.1',
    port,
    databaseUrl: read('DATABASE_URL', undefined, parseDatabaseUrl),
    databasePoolSize: read('TIDEMARK_DATABASE_POOL', 20, parseInteger(2, 1_000)),
    temporalAddress: read('TEMPORAL_ADDRESS', undefined, parseHostPort),
    temporalNamespace: text(env, 'TEMPORAL_NAMESPACE') ?? 'default',
    temporalUiUrl: read('TEMPORAL_UI_URL', undefined, parseHttpUrl),
    taskQueue: text(env, 'TIDEMARK_TASK_QUEUE') ?? 'tidemark',
    workerConnections: read('TIDEMARK_WORKER_CONNECTIONS', 64, parseInteger(1, 1_000)),
    syncsPerHost: read('TIDEMARK_SYNCS_PER_HOST', 10, parseInteger(1, 1_000)),
    hostRates: read('TIDEMARK_HOST_BYTES_PER_SECOND', noRates, parseHostRates),
    throttleBudgetSeconds: read('TIDEMARK_THROTTLE_BUDGET', THROTTLE_BUDGET_SECONDS, parseDuration),
    allowUpstream: read('TIDEMARK_ALLOW_UPSTREAM', [], parseUpstreamRules),
    secretKeys: read('TIDEMARK_SECRET_KEY', [], parseSecretKeys),
    secretKeyFile: text(env, 'TIDEMARK_SECRET_KEY_FILE'),
    credentials: {
      dockerConfigDir: text(env, 'TIDEMARK_DOCKER_CONFIG_DIR'),
      helpers: read('TIDEMARK_CREDENTIAL_HELPERS', [], parseHelpers),
    },
    logins: readLogins(env, read, mistakes),
    publicUrl,
    dockerHub: readDockerHub(read, mistakes, { port, publicUrl }),
    token: text(env, 'TIDEMARK_TOKEN'),
    manifestMaxBytes: read('TIDEMARK_MANIFEST_MAX_BYTES', 4 * MIB, parseByteCount),
    blobs: read('TIDEMARK_BLOBS', undefined, parseBlobLocation),
    storageQuotaBytes: read('TIDEMARK_STORAGE_QUOTA_BYTES', undefined, parseByteCount),
    cacheBytes: read('TIDEMARK_CACHE_BYTES', undefined, parseByteCount),
    collectionGraceSeconds: read('TIDEMARK_GC_GRACE', DAY_SECONDS, parseDuration),
    collectionIntervalSeconds: read('TIDEMARK_GC_INTERVAL', DAY_SECONDS, parseInterval),
    earlierDistributions: read('TIDEMARK_EARLIER_DISTRIBUTIONS', undefined, parseEarlierAccess),
    logLevel: read('LOG_LEVEL', 'info', parseLogLevel),
    accessLog: read('TIDEMARK_ACCESS_LOG', 'off', parseAccessLog),
    serverUrl: read('TIDEMARK_SERVER', undefined, parseHttpUrl),
    ...readTelemetry(env, read),
  };
  if (config.secretKeys.length > 0 && config.secretKeyFile !== undefined) {
    mistakes.push('TIDEMARK_SECRET_KEY and TIDEMARK_SECRET_KEY_FILE are both set; set one of them');
  }
  if (config.blobs !== undefined && config.storageQuotaBytes !== undefined) {
    mistakes.push(
      'TIDEMARK_STORAGE_QUOTA_BYTES is for folders; give the bucket of TIDEMARK_BLOBS a quota instead',
    );
  }
  if (mistakes.length > 0) throw invalid(mistakes);
  return config;
}

/** Where the embedded PostgreSQL has its files, in the data folder. */
export function postgresFolder(dataDir: string): string {
  return join(dataDir, 'postgres');
}

/** `TIDEMARK_CACHE`, else `$XDG_CACHE_HOME/tidemark`, else `~/.cache/tidemark`. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const userCache = text(env, 'XDG_CACHE_HOME') ?? join(homedir(), '.cache');
  return resolve(text(env, 'TIDEMARK_CACHE') ?? join(userCache, 'tidemark'));
}

function reader(env: NodeJS.ProcessEnv, mistakes: string[]): Read {
  return (name, fallback, parse) => {
    const value = text(env, name);
    if (value === undefined) return fallback;
    const parsed = parse(value);
    if ('value' in parsed) return parsed.value;
    mistakes.push(`${name} ${parsed.mistake}`);
    return fallback;
  };
}

function unknownNames(env: NodeJS.ProcessEnv): string[] {
  const known: readonly string[] = KNOWN;
  return Object.keys(env)
    .filter((name) => name.startsWith('TIDEMARK_') && !known.includes(name))
    .map((name) => {
      const close = closestName(name, known);
      return `${name} is not a setting${close === undefined ? '; remove it' : `; did you mean ${close}?`}`;
    });
}

function invalid(mistakes: readonly string[]): TidemarkError {
  const count = mistakes.length === 1 ? 'One setting is' : `${mistakes.length} settings are`;
  const lines = mistakes.map((mistake) => `  ${mistake}`).join('\n');
  return new TidemarkError('CONFIG_INVALID', `${count} wrong in the environment:\n${lines}`, {
    origin: 'caller',
  });
}
