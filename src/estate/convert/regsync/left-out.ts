const always = 'Tidemark always copies all referrers from the upstream itself.';

/** Fields of an entry of `sync`, and of `defaults`, without an equivalent. */
export const entryLeftOut: Readonly<Record<string, string>> = {
  backup: 'Every sync makes a version, and each version stays pullable: no copy under another tag is needed.',
  mediaTypes: 'Tidemark syncs every media type that it can verify.',
  fastCheck: 'Tidemark looks for changes before each sync anyway.',
  fastCopy: 'Tidemark looks for changes before each sync anyway.',
  forceRecursive: 'Tidemark always walks down into every manifest.',
  referrerFilters: always,
  referrerSource: always,
  referrerTarget: always,
  referrerSlow: always,
  hooks: 'Tidemark runs no commands.',
  repos: 'It is about type registry only.',
};

/** Fields of `defaults` alone. */
export const globalLeftOut: Readonly<Record<string, string>> = {
  parallel:
    'Workers of Tidemark decide how many syncs run at once; downloadConcurrency of a remote limits one sync.',
  blobLimit: 'Tidemark streams blobs of any size.',
  cacheCount: 'Tidemark keeps what it knows in its database.',
  cacheTime: 'Tidemark keeps what it knows in its database.',
  skipDockerConfig:
    'Tidemark never reads the configuration of docker by itself: each remote names its credential.',
  userAgent: 'Tidemark sends its own.',
};

/** Fields of `ratelimit`. */
export const limitLeftOut: Readonly<Record<string, string>> = {
  retry: 'Tidemark waits as long as the registry says.',
};
