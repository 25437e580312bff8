interface Named {
  readonly name: string;
  readonly dryRun: boolean;
  readonly repositoryName: string | null;
  /** Of a run of a mirror rule. */
  readonly rule: { readonly name: string } | null;
}

/** The kinds of tasks by name. */
export const titles: Record<string, string> = {
  'repository.sync': 'Sync',
  'content.collect': 'Clean-up',
  'content.verify': 'Verification',
  'rule.run': 'Run',
};

export function taskTitle({ name, dryRun, repositoryName, rule }: Named): string {
  const title = `${titles[name] ?? name}${dryRun ? ' (dry run)' : ''}`;
  const object = repositoryName ?? rule?.name;
  return object === undefined ? title : `${title} of ${object}`;
}
