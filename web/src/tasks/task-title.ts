interface Named {
  readonly name: string;
  readonly dryRun: boolean;
  readonly repositoryName: string | null;
}

const titles: Record<string, string> = {
  'repository.sync': 'Sync',
  'content.collect': 'Clean-up',
  'content.verify': 'Verification',
};

export function taskTitle({ name, dryRun, repositoryName }: Named): string {
  const title = `${titles[name] ?? name}${dryRun ? ' (dry run)' : ''}`;
  return repositoryName === null ? title : `${title} of ${repositoryName}`;
}
