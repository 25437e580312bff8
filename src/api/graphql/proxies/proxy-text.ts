/** Descriptions shared by the proxy and its inputs (docs/proxies.md). */
export const proxyFieldText = {
  basePath:
    'Unique base path, e.g. "docker.io": the repository a/b of the upstream is served as <basePath>/a/b. Of nested base paths, the longest one ' +
    'decides.',
  url: 'Base URL of the registry API, as of a remote.',
  namespaces:
    'Hosts of image names, up to 20, e.g. "docker.io": requests with ?ns= of one of them lead here. A namespace belongs to one proxy. Empty or ' +
    'null: none.',
  includeRepositories:
    'Globs over the names at the upstream, up to 100: ** any characters, * and ? within a part, {a,b} one of several. Empty or null: every ' +
    'repository.',
  excludeRepositories: 'Globs of repositories to leave out, in the same notation.',
  repositoriesAtMost:
    'The most repositories that it makes, 1 to 100,000. Those that were deleted do not count.',
  tagTtlSeconds:
    'For how many seconds the distributions that it makes serve a tag without asking the upstream, from 0.',
  notFoundTtlSeconds:
    "For how many seconds the upstream's answer that it lacks a repository, tag or digest is remembered, from 0.",
  cacheBytes:
    'The most bytes of layers that pulls through its repositories keep in the store, from 1; null: no limit of its own. The least recently pulled ' +
    'layers leave, and are fetched again when they are pulled.',
  private: 'Whether the distributions that it makes are private; null: while logins are on.',
};
