/** Descriptions shared by the rule and its inputs (docs/mirror-rules.md). */
export const ruleFieldText = {
  name: 'Unique name, 1 to 255 visible characters.',
  url: 'Base URL of the registry API, as of a remote.',
  discovery: 'How the repositories of the upstream are found.',
  repositories:
    'The names of the repositories at the upstream, for discovery LIST, up to 10,000; null: none.',
  includeRepositories:
    'Globs over the names at the upstream, up to 100: ** any characters, * and ? within a part, {a,b} one of several. Empty or null: every ' +
    'repository.',
  excludeRepositories: 'Globs of repositories to leave out, in the same notation.',
  stripPrefix:
    'Leading parts of the name at the upstream that the new name omits, e.g. "library". Other names keep theirs. Null: none.',
  targetPrefix: 'Leading parts of the new names, e.g. "hub/team"; "": none.',
  repositoriesAtMost:
    'The most repositories that it may select, 1 to 100,000. A run that finds more fails before it changes anything.',
  mirror: 'Whether its syncs remove tags that the upstream no longer has, as in repositorySync.',
  cron: 'When it runs by itself: a cron expression, as of a schedule; null: none. At most one of cron and intervalSeconds.',
  intervalSeconds: 'The interval in seconds at which it runs by itself, 1 to 31,622,400; null: none.',
  timeZone: 'IANA time zone of cron.',
  paused: 'Whether it does not run by itself.',
};
