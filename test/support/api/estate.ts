export interface Change {
  readonly action: string;
  readonly kind: string;
  readonly name: string;
  readonly isApplied: boolean;
  readonly fields: readonly { field: string; from: unknown; to: unknown; isSecret: boolean }[];
}

export function told({ changes }: { changes: readonly Change[] }): string[] {
  return changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`);
}

export const remote = (name: string, more: object = {}) => ({
  name,
  url: 'https://registry.example',
  upstreamName: `library/${name}`,
  ...more,
});

export const estate = {
  signaturePolicies: [] as object[],
  remotes: [
    remote('nginx', {
      includeTags: ['1.*'],
      newestTags: { count: 3 },
      username: 'me',
      password: 'hunter-two',
    }),
  ],
  repositories: [
    {
      name: 'mirror/nginx',
      remote: 'nginx',
      retainVersions: 5,
      schedules: [{ cron: '0 3 * * *', timeZone: 'Europe/Berlin', mirror: true }, { intervalSeconds: 3600 }],
    },
  ],
  distributions: [
    { basePath: 'prod/nginx', repository: 'mirror/nginx' },
    { basePath: 'mirror/nginx', private: true },
  ],
};
