/** Phrases of the API's messages, and how the command line says them; a phrase comes before its parts. */
const phrases: Readonly<Record<string, string>> = {
  'convertToMirror: true of repositorySync': '--into-existing',
  'convertToMirror: true': '--into-existing',
  'confirmRemoval: true': '--confirm-removal',
  'mirror: true': '--mirror',
  'pruneFiltered (--prune-filtered)': '--prune-filtered',
};

/** Names of the API in its messages, and how the command line says them. */
const words: Readonly<Record<string, string>> = {
  distributionCreate: '"tidemark distribution create"',
  distributionPoint: '"tidemark promote"',
  distributionUpdate: '"tidemark distribution update"',
  grantCreate: '"tidemark grant create"',
  repositoryRestoreVersion: '"tidemark restore"',
  repositoryCopyContent: '"tidemark copy"',
  repositoryUpdate: '"tidemark repository update"',
  tokenCreate: '"tidemark token create"',
  cacheBytes: '--cache',
  webhookRotateSecret: '"tidemark webhook rotate-secret"',
  clientId: '--client-id',
  configFile: '--config-file',
  credentialId: '--credential',
  catchupWindowSeconds: '--catch-up',
  deleteRemote: '--with-remote',
  dockerHubUrl: '--docker-hub-url',
  dockerReference: '--docker-reference',
  downloadConcurrency: '--concurrency',
  excludeTagPatterns: '--exclude-tag-pattern',
  excludeTags: '--exclude-tags',
  fallbacks: '--fallback',
  followLayerUrls: '--follow-layer-urls',
  immutableTags: '--immutable-tag',
  includeTagPatterns: '--tag-pattern',
  includeTags: '--tags',
  intervalSeconds: '--every',
  jitterSeconds: '--jitter',
  maxRetries: '--retries',
  repositoriesAtMost: '--at-most',
  minimumAgeFor: '--minimum-age-for',
  minimumAgeSeconds: '--minimum-age',
  newestTags: '--newest',
  notFoundTtlSeconds: '--not-found-ttl',
  proxyUrl: '--proxy',
  pruneFiltered: '--prune-filtered',
  pullThrough: '--pull-through',
  bytesPerSecond: '--bandwidth',
  rateLimit: '--rate-limit',
  realmHosts: '--realm-hosts',
  remoteId: '--remote',
  repositoryId: '--repository',
  roleArn: '--role-arn',
  serviceAccountKey: '--key-file',
  reserveRequests: '--reserve-requests',
  retainVersions: '--retain-versions',
  semverRanges: '--semver',
  semverSuffix: '--semver-suffix',
  sslCaCertificate: '--ca-file',
  sslClientCertificate: '--cert-file',
  sslClientKey: '--key-file',
  sslValidation: '--tls-verify',
  syncWindows: '--sync-windows',
  tagFailures: '--tag-failures',
  tagTtlSeconds: '--tag-ttl',
  timeZone: '--time-zone',
  trustedRoot: '--trusted-root',
  upstreamName: '--upstream-name',
  versionId: '--version',
};

/** A message of the API in the words of the command line. */
export function inOwnWords(message: string): string {
  let text = message;
  for (const [phrase, ours] of Object.entries(phrases)) text = text.replaceAll(phrase, ours);
  return text.replaceAll(/\b[a-z]+[A-Z][A-Za-z]*\b/g, (word) => words[word] ?? word);
}

/** `CODE: message` of a failed task. */
export function describeError(error: { readonly code: string; readonly message: string } | null): string {
  return error === null ? 'UNKNOWN: no reason was given' : `${error.code}: ${inOwnWords(error.message)}`;
}
