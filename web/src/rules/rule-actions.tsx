import { Button } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useSubmit } from '../graphql/use-submit.ts';
import { useMay } from '../session/viewer.ts';
import { ConfirmButton } from '../shared/forms/confirm-button.tsx';
import { Mistakes } from '../shared/forms/mistakes.tsx';
import { Problem } from '../shared/problem.tsx';
import { DeleteRule, RunRule } from './rule-queries.ts';
import { scopeBelow } from '../../../src/selection/rule-target.ts';

interface Props {
  readonly rule: { readonly id: string; readonly name: string; readonly targetPrefix: string };
  /** A run is open. */
  readonly isRunning: boolean;
  readonly onEdit: () => void;
}

/** Preview, run, edit and delete a rule, as far as the caller may. */
export function RuleActions({ rule: { id, name, targetPrefix }, isRunning, onEdit }: Props) {
  const may = useMay();
  const navigate = useNavigate();
  const run = useSubmit(RunRule, (data) => data.mirrorRuleRun);
  const deletion = useSubmit(DeleteRule, (data) => data.mirrorRuleDelete);
  if (!may('MAINTAINER', name)) return null;
  const mayRun = may('MAINTAINER', scopeBelow(targetPrefix));
  const start = (dryRun: boolean) => void run.submit({ input: { id, dryRun } });
  return (
    <>
      {mayRun ? (
        <>
          <Button variant="default" disabled={isRunning} loading={run.busy} onClick={() => start(true)}>
            Preview a run
          </Button>
          <Button disabled={isRunning} loading={run.busy} onClick={() => start(false)}>
            Run now
          </Button>
          <Button variant="default" onClick={onEdit}>
            Edit…
          </Button>
        </>
      ) : null}
      <ConfirmButton
        label="Delete"
        question={`The mirror rule ${name} is deleted. The repositories that it has made stay.`}
        submission={deletion}
        onConfirm={async () => {
          if ((await deletion.submit({ input: { id } })) !== undefined) await navigate({ to: '/rules' });
        }}
      />
      <Mistakes messages={run.elsewhere()} />
      <Problem error={run.error} />
    </>
  );
}
