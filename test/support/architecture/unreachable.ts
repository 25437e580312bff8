/** What must not run when these run, however many imports away. */
export const unreachable: readonly {
  readonly from: string;
  readonly forbidden: (target: string) => boolean;
  readonly why: string;
}[] = [
  {
    from: 'src/workflows/',
    forbidden: (target) =>
      target.startsWith('node:') || !/^(src\/workflows\/|src\/oci\/|@temporalio\/workflow$)/.test(target),
    why: 'workflows do no I/O',
  },
  {
    from: 'src/api/distribution/',
    forbidden: (target) => /^(src\/(registry|activities|workflows)\/|@temporalio\/|undici)/.test(target),
    why: 'serving never waits for Temporal or an upstream',
  },
  {
    from: 'src/on-demand/',
    forbidden: (target) => /^(src\/(api|workflows)\/|@temporalio\/)/.test(target),
    why: 'a pull never waits for Temporal',
  },
];
