import { Button, Checkbox, Group } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useClient } from 'urql';
import type { CombinedError } from 'urql';
import { graphql, readFragment } from '../graphql/graphql.ts';
import type { FragmentOf } from '../graphql/graphql.ts';
import { Mistakes } from '../shared/forms/mistakes.tsx';
import { Problem } from '../shared/problem.tsx';
import { Preview } from './preview.tsx';
import { overridesOf, rulesOf } from './rules.ts';
import { RulesForm } from './rules-form.tsx';
import { startLabel } from './start-label.ts';
import { startSync } from './sync-mutation.ts';
import type { SyncAnswer, SyncInput } from './sync-mutation.ts';
import classes from './sync.module.css';
import { usePreview } from './use-preview.ts';

export const SyncRulesFragment = graphql(`
  fragment SyncRules on Repository {
    id
    isMirrored
    latestVersion {
      id
    }
    remote {
      id
      includeTags
      excludeTags
      semverRanges
      newestTags {
        count
      }
      platforms
      policy
    }
  }
`);

interface Props {
  readonly repository: FragmentOf<typeof SyncRulesFragment>;
  readonly onClose: () => void;
}

const route = getRouteApi('/repositories/$');

const noRemote = {
  includeTags: null,
  excludeTags: null,
  semverRanges: null,
  newestTags: null,
  platforms: null,
  policy: 'IMMEDIATE',
} as const;

/** The rules at the left, at the right the tags that they take. */
export function SyncRules({ repository, onClose }: Props) {
  const { id, remote, isMirrored, latestVersion } = readFragment(SyncRulesFragment, repository);
  const [stored] = useState(() => rulesOf(remote ?? noRemote));
  const [rules, setRules] = useState(stored);
  const [options, setOptions] = useState({
    mirror: isMirrored,
    pruneFiltered: false,
    save: latestVersion === null,
  });
  const [agreed, setAgreed] = useState(false);
  const overrides = overridesOf(rules, stored);
  const { mirror, pruneFiltered } = options;
  const changes = overrides === undefined ? {} : { overrides };
  const input: SyncInput = { repositoryId: id, mirror, pruneFiltered, ...changes };
  const preview = usePreview(input);
  const { start, busy, error, refused } = useStart();
  const converts = !isMirrored && latestVersion !== null;
  const risky =
    preview.task?.error?.code === 'MASS_REMOVAL_REFUSED' ||
    refused.some(({ code }) => code === 'WOULD_BECOME_MIRROR');
  const saving = options.save && overrides !== undefined ? { saveOverrides: true } : {};
  const agreement = agreed ? { confirmRemoval: true, convertToMirror: converts } : {};
  const at = (field: string) =>
    [...refused, ...preview.userErrors].find((each) => each.field.includes(field))?.message;
  return (
    <>
      <div className={classes.sides}>
        <RulesForm
          rules={rules}
          options={options}
          onRules={setRules}
          onOptions={setOptions}
          at={at}
          changed={overrides !== undefined}
        />
        <Preview preview={preview} />
      </div>
      <Problem error={error} />
      <Mistakes messages={refused.map(({ message }) => message)} />
      {risky ? <Agreement converts={converts} agreed={agreed} onChange={setAgreed} /> : null}
      <Group justify="flex-end" mt="md" gap="xs">
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
        <Button
          onClick={() => void start({ ...input, ...saving, ...agreement })}
          loading={busy}
          disabled={risky && !agreed}
        >
          {startLabel(preview.task?.plan)}
        </Button>
      </Group>
    </>
  );
}

/** Starts a sync, and goes on to its progress; a sync that runs already is shown instead. */
function useStart() {
  const client = useClient();
  const navigate = route.useNavigate();
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<SyncAnswer>();
  const [error, setError] = useState<CombinedError>();
  const start = async (input: SyncInput) => {
    setBusy(true);
    const result = await startSync(client, input);
    setBusy(false);
    setError(result.error);
    const given = result.data?.repositorySync;
    setAnswer(given);
    const running = given?.userErrors.every(({ code }) => code === 'SYNC_ALREADY_RUNNING')
      ? given.task?.id
      : undefined;
    if (running !== undefined)
      await navigate({ search: (before) => ({ ...before, sync: running }), replace: true });
  };
  return { start, busy, error, refused: answer?.userErrors ?? [] };
}

interface AgreementProps {
  /** Whether the repository becomes a mirror. */
  readonly converts: boolean;
  readonly agreed: boolean;
  readonly onChange: (agreed: boolean) => void;
}

function Agreement({ converts, agreed, onChange }: AgreementProps) {
  return (
    <Checkbox
      mt="sm"
      label={
        converts
          ? 'I agree: pushes to this repository are refused afterwards, and tags may be removed'
          : 'I agree that the sync removes most of the tags'
      }
      checked={agreed}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}
